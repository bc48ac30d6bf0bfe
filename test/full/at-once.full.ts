// Goal: a hundred files handed in at once between two accounts all arrive, as many at once as the queue allows, the highest priority first.
// Method: `serve` with its proxy as a process of its own; files of 1 to 8 MiB in an order of their own, with five priorities.

import { join } from 'node:path'
import test from 'ava'
import type { Transfer, TransferClient } from '../../src/transfer/index.ts'
import { type Serve, startServe } from '../helpers/serve.ts'
import { settle } from '../helpers/settle.ts'
import { filesIn, makeFile, makeFolder, sha256Of, type TestFile } from '../helpers/transfers.ts'

const MIB = 2 ** 20
const COUNT = 100

/** Of 1 to 8 MiB, all of them different; large and small ones take turns. */
const sizes = Array.from({ length: COUNT }, (_, index) => MIB + Math.round((((index * 37) % COUNT) * 7 * MIB) / (COUNT - 1)))
const priorities = sizes.map((_, index) => (index * 3) % 5)

const octetsRelayed = async ({ cli }: Serve): Promise<number> => {
  let bytes = 0
  for (let ended = 0; ended < COUNT; ended += 1) {
    const { firstToSecond, secondToFirst } = await cli.logged('a bytestream is over')
    bytes += Number(firstToSecond) + Number(secondToFirst)
  }
  return bytes
}

/** As each is handed in alone, with its priority; and as `send` does it with several: by Jingle they go in one session. */
const ways = {
  'each alone': (laptop: TransferClient, paths: readonly string[]) =>
    paths.map((path, index) => laptop.send(path, { to: 'desk@localhost', method: 'proxy', priority: priorities[index] as number })),
  together: (laptop: TransferClient, paths: readonly string[]) => laptop.sendAll(paths, { to: 'desk@localhost', method: 'proxy' }),
} as const

for (const [way, concurrency] of [
  ['each alone', 4],
  ['together', 4],
  ['together', COUNT],
] as const) {
  test.serial(`${COUNT} files of 1 to 8 MiB handed in ${way}, ${concurrency} under way at once: all are right, by priority`, async (t) => {
    t.timeout(240_000)
    const serve = await startServe(t, { accounts: ['laptop', 'desk'] })
    const [laptop, desk] = [await serve.logIn('laptop', { concurrency }), await serve.logIn('desk')]
    const into = await makeFolder(t)
    desk.receive({ into, from: ['laptop@localhost'], transfersMax: COUNT })
    const files: TestFile[] = []
    for (const [index, size] of sizes.entries()) files.push(await makeFile(t, size, `${index}.bin`))

    laptop.pause()
    const transfers = ways[way](
      laptop,
      files.map(({ path }) => path),
    )
    const course = follow(transfers)
    await settle() // Now all of them wait.
    laptop.resume()
    const results = await Promise.all(transfers.map(({ done }) => done))

    t.is(course.mostAtOnce, concurrency)
    const inOrder = transfers.map((_, index) => index).sort((one, other) => byPriority(transfers, one, other))
    t.deepEqual(course.begun, inOrder)
    t.true(results.every(({ method, confirmed, attempts }) => method === 'proxy' && confirmed && attempts === 1))
    t.is((await filesIn(into)).length, COUNT)
    for (const [index, { sha256 }] of files.entries()) t.is(await sha256Of(join(into, `${index}.bin`)), sha256)
    t.is(
      await octetsRelayed(serve),
      sizes.reduce((total, size) => total + size, 0),
    )
  })
}

/** The highest first, and equals as they were handed in. */
function byPriority(transfers: readonly Transfer[], one: number, other: number): number {
  return (transfers[other] as Transfer).priority - (transfers[one] as Transfer).priority || one - other
}

/** In which order transfers begin, and how many are under way at once. */
function follow(transfers: readonly Transfer[]): { readonly begun: readonly number[]; readonly mostAtOnce: number } {
  const begun: number[] = []
  const underWay = new Set<Transfer>()
  const course = { begun, mostAtOnce: 0 }
  // Whoever is done gives its place up before it says so.
  const count = () => setImmediate(() => (course.mostAtOnce = Math.max(course.mostAtOnce, underWay.size)))
  for (const [index, transfer] of transfers.entries()) {
    transfer.on('state', (state) => {
      if (state === 'preparing') begun.push(index)
      if (state === 'done' || state === 'failed') underWay.delete(transfer)
      else underWay.add(transfer)
      count()
    })
  }
  return course
}
