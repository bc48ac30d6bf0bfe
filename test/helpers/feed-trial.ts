import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { chanceFrom } from './chance.ts'
import { DeliveryTap } from './delivery-tap.ts'
import type { FeedAccounts, FeedFact } from './feed-accounts.ts'
import { KilledService, type Moment } from './killed-service.ts'
import type { Host } from './namespaces.ts'
import { dataFolder, PUBSUB, spawnPubsub } from './serve-pubsub.ts'
import type { ServerUnderTest } from './server.ts'
import { makeFile, makeFolder, sha256Of } from './transfers.ts'

const NODE = 'builds/nightly'
const OWNER = 'ci'
const FILE_BYTES_MAX = 40_000
/** Milliseconds between looks at the queues. */
const LOOK_MS = 200
/** The highest number of facts, for each subscriber, after which the service is killed, */
const FACTS_MAX = 6
/** and of milliseconds, once it is ready, */
const SERVING_MS_MAX = 1_500
/** and of milliseconds from its start, one time out of so many. */
const STARTING_MS_MAX = 700
const STARTING_EVERY = 3
/** Kills after which another file is offered, though not all who are there have the last. */
const KILLS_EACH = 4

const subscribersUpTo = (count: number) => Array.from({ length: count }, (_, at) => `wall${at}`)

/** The accounts a server needs for so many subscribers. */
export const trialAccounts = (subscribers: number): readonly string[] => [OWNER, ...subscribersUpTo(subscribers)]

export interface FeedTrialInit {
  readonly seed: number
  readonly kills: number
  readonly subscribers: number
  /** Of them, those who are away until two thirds of the kills are done: the last. */
  readonly away: number
  /** The process of the owner. */
  readonly owner: FeedAccounts
  /** That of a subscriber. */
  home(at: number): FeedAccounts
  /** Where the service runs. Default: here. */
  readonly on?: Host
}

/** What a trial has come to. */
export interface FeedTrial {
  readonly kills: number
  /** Of them, those while the service was starting. */
  readonly unready: number
  readonly files: number
  /** Times that one of them had to be offered again. */
  readonly inVain: number
  /** Files that were fetched: of each, once for each subscriber. */
  readonly fetched: number
  /** Downloads that have begun, and those of them that broke off. */
  readonly started: number
  readonly cut: number
  /** Times that somebody had to wait for the owner. */
  readonly paused: number
  /** What went by on the wire: messages handed over, acknowledgements, answers to those. */
  readonly handed: number
  readonly acknowledged: number
  readonly answered: number
  readonly ms: { readonly setup: number; readonly killing: number; readonly fetching: number; readonly acknowledging: number }
  /** How each life of the service has ended. */
  readonly lives: readonly string[]
  /** How each download travelled, as the owner sees it. */
  readonly opened: readonly Required<Pick<FeedFact, 'account' | 'method' | 'host'>>[]
}

interface OfferedFile {
  readonly name: string
  readonly sha256: string
  readonly bytes: number
}

/** What was seen of a file; by account. */
interface Seen extends OfferedFile {
  /** Times that it was offered in vain, as nobody had said that it is announced: then it is taken back, and offered anew. */
  inVain: number
  /** Under which it is on offer. */
  id: string
  readonly fetched: Map<string, string>
  /** What its owner has seen of it. */
  readonly downloads: Map<string, FeedFact[]>
}

/** What processes tell, and waiting for it. */
class Facts {
  readonly #looks = new Set<() => void>()
  readonly all: FeedFact[] = []

  constructor(all: Iterable<FeedAccounts>, listener: (fact: FeedFact) => void) {
    for (const accounts of all) {
      accounts.on('fact', (fact) => {
        this.all.push(fact)
        listener(fact)
        this.look()
      })
    }
  }

  count(kind: FeedFact['fact']): number {
    return this.all.filter(({ fact }) => fact === kind).length
  }

  /** Has whoever waits look again. */
  look(): void {
    for (const look of this.#looks) look()
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
 * An owner offers file after file to subscribers, some of whom are away, while the service is killed again and again as `kill -9` does,
 * also before it is ready. Then each subscriber has each file, the owner has sent it once to each, each has acknowledged it, and nobody was
 * handed again what the service had said to know of; nothing is left in any queue, nor among the dead letters.
 */
export async function runFeedTrial(t: ExecutionContext, server: ServerUnderTest, init: FeedTrialInit): Promise<FeedTrial> {
  const { seed, kills, away, owner, home, on } = init
  const beganMs = performance.now()
  const chance = chanceFrom(seed)
  const directory = await dataFolder(t)
  const into = await makeFolder(t)
  const subscribers = subscribersUpTo(init.subscribers)
  const jidOf = (account: string) => `${account}@${server.domain}`
  const present = new Set(subscribers.slice(0, subscribers.length - away))
  const seen = new Map<string, Seen>()
  const unusual: FeedFact[] = []
  const facts = new Facts(new Set([owner, ...subscribers.map((_, at) => home(at))]), (fact) => {
    const { account, id, name = '', sha256 = '' } = fact
    const about = seen.get(name)
    if (about && fact.fact === 'offered') about.id = id
    if (about && fact.fact === 'fetched' && !about.fetched.has(account)) about.fetched.set(account, sha256)
    else if (about && downloading.has(fact.fact)) about.downloads.set(account, [...(about.downloads.get(account) ?? []), fact])
    else if (!usual.has(fact.fact)) unusual.push(fact)
  })
  const haveAll = (among: ReadonlySet<string>) =>
    [...seen.values()].every(({ fetched }) => [...among].every((account) => fetched.has(jidOf(account))))
  /** Their owner may hear of it later. */
  const isSent = () =>
    [...seen.values()].every(
      ({ inVain, downloads }) =>
        (inVain > 0 || downloads.size === subscribers.length) &&
        [...downloads.values()].every((told) => countIn(told, 'started') === countEnds(told)),
    )
  const tell = (account: string, order: { do: 'subscribe' | 'leave' } | { do: 'watch'; into: string }) =>
    home(subscribers.indexOf(account)).order({ account, node: NODE, ...order })
  const enter = (account: string) => tell(account, { do: 'watch', into: join(into, account) })

  const tap = await DeliveryTap.start(t, server.componentAt(PUBSUB), on)
  const tapped = { ...server, secret: server.secret, componentAt: () => tap.address }
  const service = new KilledService(() => spawnPubsub(t, tapped, directory, [], PUBSUB, on))
  await service.ready()
  await owner.order({ do: 'create', account: OWNER, node: NODE })
  await Promise.all(subscribers.map((account) => tell(account, { do: 'subscribe' })))
  await Promise.all(subscribers.map((account) => (present.has(account) ? enter(account) : tell(account, { do: 'leave' }))))

  /** What is not answered is offered again. */
  const offer = async (about: Seen, path: string): Promise<void> => {
    await service.ready()
    await owner.order({ do: 'offer', account: OWNER, node: NODE, path }).catch(() => {
      about.inVain += 1
      return offer(about, path)
    })
  }
  let killed = 0
  const offerOn = async () => {
    do {
      const bytes = 1 + chance(FILE_BYTES_MAX)
      const name = `image-${seen.size}.iso`
      const { path, sha256 } = await makeFile(t, bytes, name)
      const about = { name, sha256, bytes, inVain: 0, id: '', fetched: new Map(), downloads: new Map() }
      seen.set(name, about)
      await offer(about, path)
      const enough = killed + KILLS_EACH
      await facts.until(() => haveAll(present) || killed >= enough)
    } while (killed < kills)
  }
  const comeBack = async () => {
    const back = subscribers.filter((account) => !present.has(account))
    for (const account of back) present.add(account)
    await Promise.all(back.map(enter))
  }
  /** What happens to whom when is chance already; this makes it more of it. */
  const nextMoment = (): Moment => {
    if (chance(STARTING_EVERY) === 0) return { while: 'starting', afterMs: chance(STARTING_MS_MAX) }
    const enough = facts.all.length + 1 + chance(FACTS_MAX * present.size)
    return { while: 'serving', afterMs: chance(SERVING_MS_MAX), happened: () => facts.until(() => facts.all.length >= enough) }
  }
  const startedMs = performance.now()
  const offering = offerOn()
  let coming: Promise<void> | undefined
  while (killed < kills) {
    if (killed > 0 && killed === Math.floor((kills * 2) / 3)) coming = comeBack()
    await service.killAt(nextMoment())
    killed += 1
    facts.look()
  }
  await offering
  await (coming ?? comeBack())
  const killedMs = performance.now()
  await facts.until(() => haveAll(present) && isSent())
  const fetchedMs = performance.now()
  // Nobody tells that the last acknowledgement has come.
  for (;;) {
    const queues = await owner.order({ do: 'look', account: OWNER, node: NODE }).catch(() => undefined)
    if (queues && Object.values(queues.waiting).every((count) => count === 0)) {
      t.is(queues.deadLetters, 0, 'something is a dead letter')
      t.is(Object.keys(queues.waiting).length, subscribers.length)
      break
    }
    await setTimeout(LOOK_MS)
  }
  const emptyMs = performance.now()

  for (const { name, sha256, bytes, id, inVain, fetched, downloads } of seen.values()) {
    t.deepEqual([...new Set(fetched.values())], [sha256], `${name} came as something else than was offered`)
    for (const account of subscribers) {
      const jid = jidOf(account)
      t.is(await sha256Of(join(into, account, name)), sha256)
      checkDownloads(t, downloads.get(jid) ?? [], { bytes, wasInVain: inVain > 0, whose: `${name} of ${account}` })
      t.true(tap.acknowledged(jid, id) > 0, `${account} has not acknowledged ${name}`)
    }
  }
  const sound = new Set([...seen.values()].filter(({ inVain }) => inVain === 0).map(({ id }) => id))
  const mayBe = ({ fact, id = '' }: FeedFact) => ofVain.has(fact) && sound.size < seen.size && id !== '' && !sound.has(id)
  t.deepEqual(
    unusual.filter((fact) => !mayBe(fact)),
    [],
  )
  t.is(tap.count('handedAfterwards'), 0, 'what the service knew to have arrived was handed over again')
  const count = (fact: FeedFact['fact']) => facts.count(fact)
  const inVain = [...seen.values()].reduce((sum, about) => sum + about.inVain, 0)
  return {
    ...{
      kills,
      unready: service.unready,
      files: seen.size,
      inVain,
      fetched: count('fetched'),
      started: count('started'),
      cut: count('cut'),
    },
    ...{ paused: count('paused'), handed: tap.count('handed'), acknowledged: tap.count('acknowledged'), answered: tap.count('answered') },
    ms: {
      ...{ setup: startedMs - beganMs, killing: killedMs - startedMs },
      ...{ fetching: fetchedMs - killedMs, acknowledging: emptyMs - fetchedMs },
    },
    lives: service.log,
    opened: facts.all.filter(({ fact }) => fact === 'opened').map(({ account, method = '', host = '' }) => ({ account, method, host })),
  }
}

/** What owners tell of downloads; */
const downloading: ReadonlySet<FeedFact['fact']> = new Set(['started', 'sent', 'cut'])
/** and what else is told while all goes well. */
const usual: ReadonlySet<FeedFact['fact']> = new Set(['announced', 'fetching', 'offered', 'refused', 'paused', 'opened', 'begun again'])

/** What may be told of what was offered in vain: it was taken back, or not there any more, or here when it was offered again. */
const ofVain: ReadonlySet<FeedFact['fact']> = new Set(['failed', 'withdrawn', 'there already'])

const countIn = (told: readonly FeedFact[], kind: FeedFact['fact']) => told.filter(({ fact }) => fact === kind).length
const countEnds = (told: readonly FeedFact[]) => countIn(told, 'sent') + countIn(told, 'cut')

/**
 * Of all downloads of one file by one subscriber one has ended well; what another has left off with, that one has not sent again. Of
 * those before it was offered in vain its owner tells nothing.
 */
function checkDownloads(
  t: ExecutionContext,
  told: readonly FeedFact[],
  { bytes, wasInVain, whose }: { readonly bytes: number; readonly wasInVain: boolean; readonly whose: string },
): void {
  const sent = told.find(({ fact }) => fact === 'sent')
  t.true(countIn(told, 'sent') === 1 || (wasInVain && !sent), `${whose} was sent more than once, or never`)
  t.is(countIn(told, 'started'), countEnds(told), `${whose} was begun again, though it had not broken off`)
  if (sent) t.is((sent.bytes ?? 0) + (sent.resumedFrom ?? 0), bytes, `${whose} was sent with more octets than it has`)
}
