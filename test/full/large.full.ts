// Goal: a file of 5 GiB arrives right, is gone on with beyond 4 GiB, where offsets need more than 32 bits, and no side's memory grows.
// Method: a sparse file with octets where numbers of 31 and 32 bits end; the receiver is killed at 4.5 GiB, and started again.

import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Cli, startCli } from '../helpers/cli.ts'
import { foreign } from '../helpers/foreign.ts'
import { peakBytes } from '../helpers/memory.ts'
import { partReaches } from '../helpers/part-watch.ts'
import { startServe } from '../helpers/serve.ts'
import { filesIn, makeFolder } from '../helpers/transfers.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
const SIZE = 5 * GIB
const CUT_AT = 4.5 * GIB
/** By which the peak of a process may be larger at the end than at the first half GiB. */
const GROWTH_BYTES_MAX = 32 * MIB

const test = foreign('a file beyond 4 GiB', ['openssl'])

/** Nothing but zeros, where nothing else is: around 2 and 4 GiB, at the beginning and at the end. */
async function makeSparseFile(path: string): Promise<string> {
  await using file = await open(path, 'wx')
  await file.truncate(SIZE)
  for (const position of [0, 2 * GIB - 8, 4 * GIB - 8, SIZE - 16]) await file.write(`at ${position}`.padEnd(16), position)
  return await opensslOf(path)
}

async function opensslOf(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)('openssl', ['dgst', '-sha256', '-r', path])
  return stdout.slice(0, 64)
}

test.serial('5 GiB arrive, also the rest behind 4.5 GiB once the receiver was killed there, and memory stays flat', async (t) => {
  t.timeout(240_000)
  const serve = await startServe(t, { accounts: ['laptop', 'desk'] })
  const [folder, into] = [await makeFolder(t), await makeFolder(t)]
  const path = join(folder, 'sparse.bin')
  const sha256 = await makeSparseFile(path)
  const [desk, environment] = serve.as('desk')
  const receive = () => startCli(t, ['receive', ...desk, '--into', into, '--from', 'laptop@localhost'], environment)
  const [laptop] = serve.as('laptop')
  const peakOf = ({ child }: Cli) => peakBytes(child.pid as number)

  const first = receive()
  await first.event('ready')
  const send = startCli(t, ['send', path, ...laptop, '--to', 'desk@localhost', '--method', 'proxy'], environment)
  await partReaches(into, GIB / 2)
  const early = [peakOf(send), peakOf(first)] as const
  await partReaches(into, CUT_AT)
  const late = [peakOf(send), peakOf(first)] as const
  first.child.kill('SIGKILL')
  await first.ended

  const second = receive()
  const { offset } = (await send.event('resumed')) as { offset: number }
  t.true(offset >= CUT_AT && offset < SIZE, `${offset}`)
  t.like(await second.event('received'), { path: join(into, 'sparse.bin'), size: SIZE, sha256 })
  const last = [peakOf(send), peakOf(second)] as const
  t.like(await send.event('sent'), { size: SIZE, sha256 })
  t.is((await send.ended).code, 0)
  t.is(await opensslOf(join(into, 'sparse.bin')), sha256)
  t.deepEqual(await filesIn(into), ['sparse.bin'])
  const [sender, receiver] = [0, 1].map((side) => [early, late, last].map((peaks) => peaks[side as 0 | 1]))
  for (const [side, peaks] of Object.entries({ sender, receiver }) as [string, number[]][]) {
    t.log(`largest RSS of the ${side} at 0.5, 4.5 and 5 GiB: ${peaks.map((bytes) => `${Math.round(bytes / MIB)} MiB`).join(', ')}`)
    t.true(Math.max(...peaks) - (peaks[0] as number) < GROWTH_BYTES_MAX)
  }
  t.log(`resumed from ${offset}`)
})
