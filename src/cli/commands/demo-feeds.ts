import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import { BytestreamError, formatBytes, formatDuration, startDeadline, systemClock } from '../../core/index.ts'
import { type FeedAddress, Feeds, type Offer } from '../../feeds/index.ts'
import { PubsubClient } from '../../pubsub-client/index.ts'
import { inspectFile, type TransferClient } from '../../transfer/index.ts'
import type { Run } from '../command-line.ts'
import { DEMO_DOMAIN, DemoStage } from '../demo-stage.ts'
import { DemoSubscriber, HERE } from '../demo-subscriber.ts'
import { CELLS_PER_LINE, drawCells } from '../grid.ts'
import { Narrator } from '../narrator.ts'

const SERVICE = `feeds.${DEMO_DOMAIN}`
const FEED: FeedAddress = { service: SERVICE, node: 'pictures' }
/** So many log in at once, and the embedded server bounds those who have not from one address. */
export const SUBSCRIBERS_MAX = 50
/** Milliseconds for all of it. */
const PLAY_MS_MAX = 300_000

/** Who takes part, besides the owner. */
export interface Cast {
  readonly subscribers: number
  /** Of them, those who are away when the file is announced. */
  readonly away: number
}

/** @throws BytestreamError `ERR_CONFIG` for what is no number, or one too many */
export function castOf(given: { readonly subscribers?: string; readonly away?: string }): Cast {
  const subscribers = wholeNumber('subscribers', given.subscribers ?? '20', [1, SUBSCRIBERS_MAX])
  return { subscribers, away: wholeNumber('away', given.away ?? String(Math.floor(subscribers / 4)), [0, subscribers]) }
}

function wholeNumber(name: string, given: string, [min, max]: readonly [min: number, max: number]): number {
  const number = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN
  if (number >= min && number <= max) return number
  throw new BytestreamError('ERR_CONFIG', `--${name}: "${given}" is not a whole number from ${min} to ${max}`)
}

/** What the acts of it share. */
interface Play {
  readonly stage: DemoStage
  readonly owner: TransferClient
  readonly pubsub: PubsubClient
  readonly narrator: Narrator
  readonly run: Run
  /** Whether a table shows how everybody is. */
  readonly isDrawn: boolean
}

/** A file is announced once, and gets to everybody who follows the feed, also to those who were away. */
export async function playFeeds(path: string, into: string, { subscribers, away }: Cast, given: Run): Promise<void> {
  const late = `not all had the file after ${formatDuration(PLAY_MS_MAX)}`
  using deadline = startDeadline(systemClock, PLAY_MS_MAX, 'ERR_TIMEOUT', late, given.signal)
  // Everybody logs in by it, and fetches.
  setMaxListeners(0, deadline.signal)
  const run = { ...given, signal: deadline.signal }
  const numbers = Array.from({ length: subscribers }, (_, index) => String(index + 1).padStart(2, '0'))
  const locals = ['owner', ...numbers.map(nameOf)]
  await using stage = await DemoStage.make({ domain: SERVICE, locals, flags: { 'pubsub-only': true } }, run)
  await stage.start()
  await using owner = await stage.logIn('owner', { concurrency: subscribers })
  await using feeds = new Feeds(owner, { ...HERE, transfersMax: 2 * subscribers })
  const everybody = numbers.map((number) => {
    const name = nameOf(number)
    return new DemoSubscriber(stage, { name, number, feed: FEED, into: join(into, name) })
  })
  using table = run.output.showLines(linesOf(everybody))
  const pubsub = new PubsubClient(owner.session, SERVICE)
  const play = { stage, owner, pubsub, narrator: new Narrator(run.output), run, isDrawn: table.isSeen }
  const [present, absent] = [everybody.slice(0, subscribers - away), everybody.slice(subscribers - away)]
  try {
    await prepare(play, present, absent)
    const offer = await feeds.offer(FEED, path, { signal: run.signal })
    const files = [...(await announce(play, offer, present)), ...(await comeBack(play, absent))]
    table[Symbol.dispose]()
    await compare(play, path, files)
  } finally {
    await Promise.all(everybody.map((each) => each.leave()))
  }
}

const nameOf = (number: string) => `wall${number}`

/** Lines of the table. */
function linesOf(everybody: readonly DemoSubscriber[]): ((columns: number) => string)[] {
  const lines = Math.ceil(everybody.length / CELLS_PER_LINE)
  return Array.from({ length: lines }, (_, line) => {
    const those = everybody.slice(line * CELLS_PER_LINE, (line + 1) * CELLS_PER_LINE)
    return (columns: number) =>
      drawCells(
        those.map(({ cell }) => cell),
        columns,
      )
  })
}

/** `wall01 to wall15`. */
function namesOf(those: readonly { readonly name: string }[]): string {
  const [first, last] = [those[0]?.name ?? 'nobody', those.at(-1)?.name]
  return first === last || last === undefined ? first : `${first} to ${last}`
}

const accountsOf = (those: readonly { readonly name: string }[]) => those.map(({ name }) => `${name}@${DEMO_DOMAIN}`)

async function prepare({ stage, owner, pubsub, narrator }: Play, present: readonly DemoSubscriber[], absent: readonly DemoSubscriber[]) {
  const { server } = stage
  const { node } = FEED
  narrator.tell('serving', { server, service: SERVICE }, `${SERVICE} runs here, behind an XMPP server.`, 'XEP-0114 §3')
  // Whoever fetches sees that the owner has announced it.
  await pubsub.create(node, { itemreply: 'publisher' })
  narrator.tell('created', { ...FEED, owner: owner.jid }, `The owner creates the feed "${node}" there.`, 'XEP-0060 §8.1')
  const everybody = [...present, ...absent]
  await Promise.all(everybody.map((each) => each.subscribe()))
  const accounts = accountsOf(everybody)
  narrator.tell('subscribed', { ...FEED, accounts }, `${namesOf(everybody)} subscribe, each with a queue of its own.`, 'XEP-0060 §6.1')
  if (absent.length === 0) return
  await Promise.all(absent.map((each) => each.leave()))
  narrator.tell('left', { accounts: accountsOf(absent) }, `Offline now: ${namesOf(absent)}.`, 'RFC 6121 §4.5')
}

/** Those who are there get it at once. */
async function announce(play: Play, { announcement, uri }: Offer, present: readonly DemoSubscriber[]): Promise<readonly HeldFile[]> {
  const { pubsub, narrator, run } = play
  const { name, sizeBytes = 0 } = announcement.file
  narrator.tell(
    'announced',
    { ...FEED, id: announcement.id, uri, name, size: sizeBytes },
    `The owner announces ${name}, ${formatBytes(sizeBytes)}, and stays to send it.`,
    'XEP-0358 §2.1',
  )
  const files = await fetchAll(play, present)
  narrator.tell('fetched', { accounts: accountsOf(present) }, onlineText(present.length), 'XEP-0358 §2.2')
  const waiting = []
  for await (const { account, ...counts } of pubsub.waiting(FEED.node, { signal: run.signal })) {
    if (counts.waiting + counts.handed > 0) waiting.push(account)
  }
  const those = { accounts: waiting }
  narrator.tell('queued', those, waitingText(waiting.length, present.length), 'docs/feeds.md')
  return files
}

function onlineText(count: number): string {
  if (count === 0) return 'Nobody was online.'
  return count === 1 ? 'One was online, was told at once, and has it.' : `${count} were online, were told at once, and have it.`
}

function waitingText(waiting: number, present: number): string {
  if (waiting === 0) return 'For nobody it waits: all have acknowledged it.'
  return present === 0 ? `For ${waiting} it waits.` : `For ${waiting} it waits; the others have acknowledged it.`
}

/** Those who come back get what waited. */
async function comeBack(play: Play, absent: readonly DemoSubscriber[]): Promise<readonly HeldFile[]> {
  const { narrator } = play
  if (absent.length === 0) return []
  narrator.tell('back', { accounts: accountsOf(absent) }, `Online again: ${namesOf(absent)}.`, 'RFC 6121 §4.2')
  const files = await fetchAll(play, absent)
  narrator.tell('fetched', { accounts: accountsOf(absent) }, 'They are told what waited, and have it, too.', 'XEP-0358 §2.2')
  return files
}

/** What somebody has by now. */
interface HeldFile {
  readonly name: string
  readonly path: string
}

async function fetchAll({ run, isDrawn }: Play, those: readonly DemoSubscriber[]): Promise<readonly HeldFile[]> {
  const { output, signal } = run
  return await Promise.all(
    those.map(async (each) => {
      const { path, bytes, result } = await each.fetch(signal)
      const { durationMs } = result
      const text = `    ${each.name} has it: ${formatBytes(bytes)} in ${formatDuration(durationMs)}, verified by its hash`
      output.tell('received', { account: `${each.name}@${DEMO_DOMAIN}`, size: bytes, durationMs }, ...(isDrawn ? [] : [text]))
      return { name: each.name, path }
    }),
  )
}

/** By what is on the disk. @throws BytestreamError `ERR_INTEGRITY` */
async function compare({ narrator, run: { output, signal } }: Play, path: string, files: readonly HeldFile[]): Promise<void> {
  const hashed = []
  for (const each of [{ name: 'owner', path }, ...files]) {
    const { digests } = await inspectFile(each.path, ['sha-256'], signal)
    hashed.push({ name: each.name, sha256: digests.get('sha-256')?.toString('hex') ?? '' })
  }
  const [owned, ...received] = hashed
  const wrong = received.filter(({ sha256 }) => sha256 !== owned?.sha256).length
  const room = (output.columns ?? 80) - 13
  const lines = hashed.map(
    ({ name, sha256 }) => `    ${name.padEnd(6)}  ${sha256.length > room ? `${sha256.slice(0, room - 1)}…` : sha256}`,
  )
  narrator.tell(
    'compared',
    { owned: owned?.sha256, received, agree: wrong === 0 },
    `SHA-256 of the file and of ${received.length} copies: ${wrong === 0 ? 'all are equal.' : `${wrong} DIFFER.`}`,
    'FIPS 180-4',
    ...lines,
  )
  if (wrong > 0) throw new BytestreamError('ERR_INTEGRITY', `${wrong} of ${received.length} have another file than was announced`)
}
