import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { accountsUpTo, announcement, CROWD, openService, PUBLISHER } from './stage.ts'

const KEPT = 1_000
const ACCOUNTS = 100
/** Announcements of one turn of the event loop, and so of one transaction. */
const AT_ONCE = 50

interface Octets {
  readonly disk: number
  readonly memory: number
}

/** Octets of what V8 has, and of what it knows of outside: SQLite's cache, which has a bound of its own, is not among them. */
async function heapBytes(): Promise<number> {
  for (let time = 0; time < 3; time += 1) {
    await new Promise(setImmediate)
    globalThis.gc?.()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** What is added by announcements that wait, to the same announcements. @param directory without one, all is kept in memory */
async function keptIn(directory: string | undefined): Promise<Octets> {
  await using whole = await openService(directory)
  const { pubsub } = whole
  const sizes: Octets[] = []
  for (const queue of [false, true]) {
    const node = `kept ${queue}`
    pubsub.create({ jid: PUBLISHER }, { node, config: { maxItems: KEPT } })
    for (const jid of accountsUpTo(ACCOUNTS, `away.${CROWD}`)) pubsub.subscribe({ jid }, { node, jid, options: { queue } })
    await pubsub.settled()
    const before = { disk: pubsub.totals.bytes, memory: await heapBytes() }
    for (let at = 0; at < KEPT; at += 1) {
      pubsub.publish({ jid: PUBLISHER }, { node, items: [announcement(`${queue} ${at}`)] })
      if (at % AT_ONCE === 0) await pubsub.settled()
    }
    await pubsub.settled()
    sizes.push({ disk: pubsub.totals.bytes - before.disk, memory: (await heapBytes()) - before.memory })
  }
  const [plain, queued] = sizes as [Octets, Octets]
  return { disk: queued.disk - plain.disk, memory: queued.memory - plain.memory }
}

/** Octets of each of 100,000 announcements that wait: in a database, and where all is in memory. */
export async function kept(folder: string): Promise<void> {
  const inDatabase = await keptIn(await mkdtemp(join(folder, 'kept-')))
  const inMemory = await keptIn(undefined)
  const each = (bytes: number) => (bytes / (KEPT * ACCOUNTS)).toFixed(1)
  console.log(
    `kept: ${each(inDatabase.disk)} octets on disk and ${each(inDatabase.memory)} of memory for each that waits; ${each(inMemory.memory)} where all is in memory`,
  )
}
