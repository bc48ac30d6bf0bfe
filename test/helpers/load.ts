import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Transfer } from '../../src/transfer/index.ts'
import type { Serve } from './serve.ts'
import { makeFile, makeFolder } from './transfers.ts'

/** For {@link Serve}: those who send, and those who receive. */
export const accountsOf = (pairs: number): string[] =>
  Array.from({ length: pairs }, (_, pair) => [`sender${pair}`, `receiver${pair}`]).flat()

/**
 * Sends files of these sizes through the proxy, all at once, between `pairs` accounts; the hash of each is compared.
 *
 * @returns what was sent in all, in octets
 */
export async function transferAll(t: ExecutionContext, { logIn }: Serve, sizes: readonly number[], pairs = 1): Promise<number> {
  const folder = await makeFolder(t)
  const shares = Array.from({ length: pairs }, (_, pair) => sizes.filter((_size, index) => index % pairs === pair))
  const moved = shares.map(async (share, pair) => {
    const sender = await logIn(`sender${pair}`, { concurrency: share.length })
    const receiver = await logIn(`receiver${pair}`)
    const into = join(folder, `${pair}`)
    const inbox = receiver.receive({ into, from: [`sender${pair}@localhost`], transfersMax: share.length })
    const received: Transfer[] = []
    inbox.on('transfer', (transfer) => received.push(transfer))
    const files: { path: string; sha256: string }[] = []
    for (const [index, size] of share.entries()) {
      const { path, sha256 } = await makeFile(t, size, `${index}.bin`)
      files.push({ path, sha256 })
    }
    const sent = await Promise.all(files.map(({ path }) => sender.send(path, { to: `receiver${pair}@localhost`, method: 'proxy' }).done))
    const stored = await Promise.all(received.map(({ done }) => done))
    const hashes = (results: readonly { sha256: string }[]) => results.map(({ sha256 }) => sha256).sort()
    t.deepEqual(hashes(sent), hashes(files))
    t.deepEqual(hashes(stored), hashes(files))
    return sent.reduce((sum, { size }) => sum + size, 0)
  })
  return (await Promise.all(moved)).reduce((sum, bytes) => sum + bytes, 0)
}
