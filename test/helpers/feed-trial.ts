import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { DatabaseSync } from '@photostructure/sqlite'
import type { ExecutionContext } from 'ava'
import { chanceFrom } from './chance.ts'
import type { FeedAccounts, FeedFact } from './feed-accounts.ts'
import { dataFolder, servePubsub } from './serve-pubsub.ts'
import type { ServerUnderTest } from './server.ts'
import { makeFile, makeFolder } from './transfers.ts'

const NODE = 'builds/nightly'
const OWNER = 'ci'
const FILE_BYTES_MAX = 40_000
/** Milliseconds between looks at what is kept. */
const LOOK_MS = 200
/** The highest number of facts, for each subscriber, after which the service is killed. */
const FACTS_MAX = 3

const subscribersUpTo = (count: number) => Array.from({ length: count }, (_, at) => `wall${at}`)

/** The accounts a server needs for so many subscribers. */
export const trialAccounts = (subscribers: number): readonly string[] => [OWNER, ...subscribersUpTo(subscribers)]

export interface FeedTrialInit {
  readonly seed: number
  readonly kills: number
  /** Over which the kills are spread. */
  readonly offers: number
  readonly subscribers: number
  /** Of them, those who are away until two thirds of the kills are done: the last. */
  readonly away: number
  /** The process of the owner. */
  readonly owner: FeedAccounts
  /** That of a subscriber. */
  home(at: number): FeedAccounts
  /** Starts the service. */
  readonly start?: typeof servePubsub
}

/** What a trial has come to. */
export interface FeedTrial {
  /** Files that were fetched. */
  readonly fetched: number
  /** Times that somebody was told again of what it had. */
  readonly again: number
  /** Times that somebody had to wait for the owner. */
  readonly paused: number
  readonly ms: { readonly killing: number; readonly fetching: number; readonly acknowledging: number }
}

/** What was seen of one file on offer; by account. */
interface Seen {
  readonly sha256: string
  readonly fetched: Map<string, string>
  readonly started: Map<string, number>
}

/** Waiting for what processes tell. */
class Facts {
  readonly #looks = new Set<() => void>()
  readonly counts = new Map<FeedFact['fact'], number>()
  count = 0

  constructor(all: Iterable<FeedAccounts>, listener: (fact: FeedFact) => void) {
    for (const accounts of all) {
      accounts.on('fact', (fact) => {
        this.count += 1
        this.counts.set(fact.fact, (this.counts.get(fact.fact) ?? 0) + 1)
        listener(fact)
        for (const look of this.#looks) look()
      })
    }
  }

  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return
        this.#looks.delete(look)
        resolve()
      }
      this.#looks.add(look)
      look()
    })
  }
}

/**
 * An owner offers files to subscribers, some of whom are away, while the service is killed again and again as `kill -9` does. Then each
 * subscriber has each file, the owner has sent it once to each, and nothing is left in any queue.
 */
export async function runFeedTrial(t: ExecutionContext, server: ServerUnderTest, init: FeedTrialInit): Promise<FeedTrial> {
  const { seed, kills, offers, away, owner, home, start = servePubsub } = init
  const chance = chanceFrom(seed)
  const directory = await dataFolder(t)
  const into = await makeFolder(t)
  const subscribers = subscribersUpTo(init.subscribers)
  const present = new Set(subscribers.slice(0, subscribers.length - away))
  const seen = new Map<string, Seen>()
  const strays: string[] = []
  let sha256 = ''
  const seenOf = (id: string) => {
    const known = seen.get(id) ?? { sha256, fetched: new Map(), started: new Map() }
    seen.set(id, known)
    return known
  }
  const facts = new Facts(new Set([owner, ...subscribers.map((_, at) => home(at))]), (fact) => {
    const { account, id } = fact
    if (fact.fact === 'started') seenOf(id).started.set(account, (seenOf(id).started.get(account) ?? 0) + 1)
    else if (fact.fact === 'fetched') {
      if (seenOf(id).fetched.has(account)) strays.push(JSON.stringify(fact))
      seenOf(id).fetched.set(account, fact.sha256 ?? '')
    } else if (!usual.has(fact.fact)) strays.push(JSON.stringify(fact))
  })
  const haveAll = (among: ReadonlySet<string>) =>
    [...seen.values()].every(({ fetched }) => [...among].every((account) => fetched.has(`${account}@${server.domain}`)))
  const tell = (account: string, order: { do: 'subscribe' | 'leave' } | { do: 'watch'; into: string }) =>
    home(subscribers.indexOf(account)).order({ account, node: NODE, ...order })
  const enter = (account: string) => tell(account, { do: 'watch', into: join(into, account) })

  let serve = await start(t, server, directory)
  let isServing: Promise<unknown> = Promise.resolve()
  await owner.order({ do: 'create', account: OWNER, node: NODE })
  await Promise.all(subscribers.map((account) => tell(account, { do: 'subscribe' })))
  await Promise.all(subscribers.map((account) => (present.has(account) ? enter(account) : tell(account, { do: 'leave' }))))

  /** What is not answered is offered again. */
  const offer = async (path: string): Promise<void> => {
    await isServing
    await owner.order({ do: 'offer', account: OWNER, node: NODE, path }).catch(() => offer(path))
  }
  const comeBack = async () => {
    const back = subscribers.filter((account) => !present.has(account))
    for (const account of back) present.add(account)
    await Promise.all(back.map(enter))
  }
  const startedMs = performance.now()
  let offering = Promise.resolve()
  for (let kill = 0; kill < kills; kill += 1) {
    if (kill > 0 && kill === Math.floor((kills * 2) / 3)) await comeBack()
    if (Math.floor((kill * offers) / kills) > Math.floor(((kill - 1) * offers) / kills)) {
      await offering
      const file = await makeFile(t, 1 + chance(FILE_BYTES_MAX), `image-${seen.size}.iso`)
      sha256 = file.sha256
      offering = offer(file.path)
    }
    const moment = facts.count + 1 + chance(FACTS_MAX * present.size)
    await facts.until(() => facts.count >= moment || (seen.size > 0 && haveAll(present)))
    serve.child.kill('SIGKILL')
    await serve.ended
    const starting = start(t, server, directory)
    isServing = starting
    serve = await starting
  }
  await offering
  await comeBack()
  const killedMs = performance.now()
  await facts.until(() => seen.size === offers && haveAll(present))
  const fetchedMs = performance.now()
  // Nobody tells that the last acknowledgement has come.
  while (waitingIn(directory) > 0) await setTimeout(LOOK_MS)
  const emptyMs = performance.now()

  for (const [id, about] of seen) {
    t.deepEqual([...new Set(about.fetched.values())], [about.sha256], `${id} came as something else than was offered`)
    t.deepEqual(
      [...about.started].filter(([, times]) => times !== 1),
      [],
      `${id} was sent more than once`,
    )
    t.is(about.started.size, subscribers.length)
  }
  t.is(seen.size, offers)
  t.deepEqual(strays, [])
  const ms = { killing: killedMs - startedMs, fetching: fetchedMs - killedMs, acknowledging: emptyMs - fetchedMs }
  const count = (fact: FeedFact['fact']) => facts.counts.get(fact) ?? 0
  return { fetched: count('fetched'), again: count('there already'), paused: count('paused'), ms }
}

/** What subscribers tell while all goes well. */
const usual: ReadonlySet<FeedFact['fact']> = new Set(['announced', 'fetching', 'fetched', 'started', 'offered', 'refused', 'paused'])

/** Messages in queues, and dead ones. */
function waitingIn(directory: string): number {
  const database = new DatabaseSync(join(directory, 'streamhost.db'), { readOnly: true })
  try {
    const { waiting } = database.prepare('SELECT entries + letters AS waiting FROM total WHERE id = 1').get() as { waiting: number }
    return waiting
  } finally {
    database.close()
  }
}
