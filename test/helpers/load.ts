import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { formatBytes, formatDuration } from '../../src/core/index.ts'
import type { Transfer } from '../../src/transfer/index.ts'
import { Crowd, type CrowdInit } from './crowd.ts'
import { type Serve, startServe } from './serve.ts'
import { makeFile, makeFolder } from './transfers.ts'

/** For {@link transferAll}: those who send, and those who receive. */
export const accountsOf = (pairs: number): string[] =>
  Array.from({ length: pairs }, (_, pair) => [`sender${pair}`, `receiver${pair}`]).flat()

/** What came of many transfers. */
export interface Load {
  readonly bytes: number
  /** The most of them that were moving octets at one moment. */
  readonly atOnce: number
  readonly durationMs: number
}

const hashesOf = (files: readonly { sha256: string }[]) => files.map(({ sha256 }) => sha256).sort()

/** Sends files of these sizes through the proxy, all at once, between `pairs` of accounts; the hash of each is compared. */
export async function transferAll(t: ExecutionContext, { logIn }: Serve, sizes: readonly number[], pairs = 1): Promise<Load> {
  const folder = await makeFolder(t)
  let moving = 0
  let atOnce = 0
  const watch = (transfer: Transfer) => {
    transfer.on('state', (state) => {
      if (state === 'moving') atOnce = Math.max(atOnce, ++moving)
      else if (state === 'done' || state === 'failed') moving -= 1
    })
    return transfer.done
  }
  const starts = await Promise.all(
    Array.from({ length: pairs }, async (_, pair) => {
      const files: { path: string; sha256: string }[] = []
      for (const size of sizes.filter((_size, index) => index % pairs === pair)) {
        const { path, sha256 } = await makeFile(t, size)
        files.push({ path, sha256 })
      }
      const sender = await logIn(`sender${pair}`, { concurrency: files.length })
      const receiver = await logIn(`receiver${pair}`)
      const inbox = receiver.receive({ into: join(folder, `${pair}`), from: [sender.jid], transfersMax: files.length })
      const received: Transfer[] = []
      inbox.on('transfer', (transfer) => received.push(transfer))
      return async () => {
        const sent = await Promise.all(files.map(({ path }) => watch(sender.send(path, { to: receiver.jid, method: 'proxy' }))))
        const stored = await Promise.all(received.map(({ done }) => done))
        t.deepEqual(hashesOf(sent), hashesOf(files))
        t.deepEqual(hashesOf(stored), hashesOf(files))
        return sent.reduce((sum, { size }) => sum + size, 0)
      }
    }),
  )
  const startedMs = performance.now()
  const moved = await Promise.all(starts.map((start) => start()))
  return { bytes: moved.reduce((sum, bytes) => sum + bytes), atOnce, durationMs: Math.round(performance.now() - startedMs) }
}

/** Transfers at once, with half-open handshakes beside them: neither is disturbed, and there is nothing to warn about. */
export async function isUndisturbed(t: ExecutionContext, sizes: readonly number[], pairs: number, crowdInit: CrowdInit): Promise<void> {
  const serve = await startServe(t, { accounts: accountsOf(pairs), args: ['--log-level', 'warn'] })
  const crowd = await Crowd.gather(t, serve.streamhost, { ...crowdInit, isGreeting: true, isReturning: true })
  const { bytes, atOnce, durationMs } = await transferAll(t, serve, sizes, pairs)
  t.log(
    `${formatBytes(bytes)} in ${formatDuration(durationMs)}, ${atOnce} moving at once; ${crowd.size} half-open, who came ${crowd.connected} times`,
  )
  t.is(
    bytes,
    sizes.reduce((sum, size) => sum + size),
  )
  t.is(crowd.size, crowdInit.size)
  crowd.disperse()
  serve.cli.child.kill('SIGTERM')
  const { code, stderr } = await serve.cli.ended
  t.is(code, 0)
  t.is(stderr, '')
}

/** Where more connections say nothing than there may be, a transfer gets in all the same. */
export async function getsIn(t: ExecutionContext, halfOpenMax: number, sizes: readonly number[], crowdInit: CrowdInit): Promise<void> {
  const args = ['--log-level', 'warn', '--half-open-max', `${halfOpenMax}`]
  const serve = await startServe(t, { accounts: accountsOf(1), args })
  const crowd = await Crowd.gather(t, serve.streamhost, crowdInit)
  const { durationMs } = await transferAll(t, serve, sizes)
  t.log(`in ${formatDuration(durationMs)}; ${crowd.connected} silent connections, ${crowd.closed} of them closed`)
  t.like(await serve.cli.logged('turned a socket away: a limit is reached'), { code: 'ERR_LIMIT_HALF_OPEN' })
}
