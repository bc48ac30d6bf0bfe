import {
  BytestreamError,
  bareJid,
  type Clock,
  domainOf,
  prepareJid,
  StanzaError,
  startDeadline,
  toBytestreamError,
  tryPrepareJid,
} from '../core/index.ts'
import type { PubsubAffiliation } from '../xep/index.ts'
import type { Feed } from './feed-address.ts'

/** Decides who may have a file on offer. */
export interface Audience {
  /**
   * @param from full JID
   * @throws BytestreamError `ERR_OFFER_BUSY` when it cannot be found out at the moment, `ERR_FORBIDDEN` when it will not be
   */
  may(from: string): Promise<boolean>
  /** Whether somebody is to learn where to ask; for whoever may not have it that is of no use. */
  isFor(from: string): boolean
}

/** For what is not on a feed: whoever knows the id, which nobody can guess. */
export const everybody: Audience = { may: () => Promise.resolve(true), isFor: () => true }

/** These, and no others. */
export class NamedAudience implements Audience {
  readonly #jids: ReadonlySet<string>

  /** @param jids bare or full JIDs; a domain stands for all its accounts @throws BytestreamError `ERR_JID_MALFORMED` */
  constructor(jids: readonly string[]) {
    this.#jids = new Set(jids.map(prepareJid))
  }

  async may(from: string): Promise<boolean> {
    return this.isFor(from)
  }

  isFor(from: string): boolean {
    return [from, bareJid(from), domainOf(from)].some((jid) => this.#jids.has(jid))
  }
}

/** Accounts that are asked about together. */
const ASKING_MAX = 1_000
/** Milliseconds for the service to answer: meanwhile nobody gets anything. */
const ANSWER_MS_MAX = 10_000
/** Entries of a list of the service that are looked at. */
const ENTRIES_MAX = 100_000

/** Affiliations that may retrieve the items of a node whose access model is not `open` (XEP-0060 §4.1). */
const READERS: readonly PubsubAffiliation[] = ['owner', 'publisher', 'member']

/** Accounts that are asked about at once, and which of them may. */
interface Batch {
  readonly accounts: Set<string>
  readonly allowed: Promise<ReadonlySet<string>>
}

/**
 * By these a service says that it tells owners only (XEP-0060 §8.2, §8.8, §8.9), or nobody. Any other answer may be that of a server
 * whose service is away: then nobody knows who has been shut out.
 */
const UNTOLD: readonly string[] = ['forbidden', 'not-allowed', 'not-authorized', 'feature-not-implemented']

/** By these our service says that we publish at that node no more, or that it is gone: to ask again later is of no use. */
const LASTING: readonly string[] = ['forbidden', 'item-not-found']

/**
 * Who may see a node may have what is announced there. Each decision is made by what the service says after it was asked for, so that
 * whoever was shut out a moment ago stays out; those who ask while the service is being asked share the next answer. Our service tells
 * whoever may publish; of others an owner has the lists. Where the service does not tell us, whoever knows the id may.
 */
export class NodeAudience implements Audience {
  readonly #feed: Feed
  readonly #clock: Clock
  #last: Promise<unknown> = Promise.resolve()
  #next: Batch | undefined

  constructor(feed: Feed, clock: Clock) {
    this.#feed = feed
    this.#clock = clock
  }

  async may(from: string): Promise<boolean> {
    const account = bareJid(tryPrepareJid(from))
    if (account === this.#feed.pubsub.account) return true
    this.#next ??= this.#gather()
    const { accounts, allowed } = this.#next
    if (accounts.size >= ASKING_MAX) throw new BytestreamError('ERR_OFFER_BUSY', `more than ${ASKING_MAX} ask at once: try again later`)
    accounts.add(account)
    return (await allowed).has(account)
  }

  /** Where to ask is in the announcement. */
  isFor(): boolean {
    return true
  }

  #gather(): Batch {
    const accounts = new Set<string>()
    const allowed = this.#last.then(() => {
      this.#next = undefined
      return this.#ask(accounts)
    })
    this.#last = allowed.catch(() => {})
    return { accounts, allowed }
  }

  async #ask(accounts: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    try {
      return (await this.#readersAsTold(accounts)) ?? (await this.#readersByLists(accounts))
    } catch (thrown) {
      if (thrown instanceof BytestreamError && thrown.code === 'ERR_FORBIDDEN') throw thrown
      throw new BytestreamError('ERR_OFFER_BUSY', 'who may have it cannot be found out at the moment: try again later', {
        cause: toBytestreamError(thrown),
      })
    }
  }

  /** What our service tells whoever publishes; `undefined` of any other. @throws BytestreamError `ERR_FORBIDDEN` when it tells us no more */
  async #readersAsTold(accounts: ReadonlySet<string>): Promise<ReadonlySet<string> | undefined> {
    const { pubsub, node } = this.#feed
    using deadline = startDeadline(this.#clock, ANSWER_MS_MAX, 'ERR_TIMEOUT', 'the service did not answer in time')
    try {
      return await pubsub.readersAmong(node, [...accounts], { answerMsMax: ANSWER_MS_MAX, signal: deadline.signal })
    } catch (cause) {
      if (!(cause instanceof StanzaError) || !LASTING.includes(cause.condition)) throw cause
      throw new BytestreamError('ERR_FORBIDDEN', 'who may have it is not told any more', { cause })
    }
  }

  /** What the service tells owners; where it tells us nothing, everybody may. */
  async #readersByLists(accounts: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    try {
      return await this.#listedAmong(accounts)
    } catch (thrown) {
      if (thrown instanceof StanzaError && UNTOLD.includes(thrown.condition)) return accounts
      throw thrown
    }
  }

  async #listedAmong(accounts: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const { pubsub, node } = this.#feed
    const { fields } = await pubsub.config(node)
    const model = fields.find((field) => field.var === 'pubsub#access_model')?.values[0]
    const affiliations = new Map<string, PubsubAffiliation>()
    for await (const { jid, affiliation } of bounded(pubsub.affiliates(node))) {
      if (accounts.has(bareJid(jid))) affiliations.set(bareJid(jid), affiliation)
    }
    const isOutcast = (account: string) => affiliations.get(account) === 'outcast'
    if (model === 'open') return new Set([...accounts].filter((account) => !isOutcast(account)))
    const readers = new Set([...affiliations].filter(([, affiliation]) => READERS.includes(affiliation)).map(([account]) => account))
    // Who subscribed while the node was open is subscribed still, and hears nothing.
    if (model === 'whitelist') return readers
    for await (const { jid, state } of bounded(pubsub.subscribers(node))) {
      const account = bareJid(jid)
      if (state === 'subscribed' && accounts.has(account) && !isOutcast(account)) readers.add(account)
    }
    return readers
  }
}

/** @throws BytestreamError `ERR_PUBSUB_LIMIT` */
async function* bounded<Entry>(list: AsyncIterable<Entry>): AsyncGenerator<Entry, void> {
  let count = 0
  for await (const entry of list) {
    count += 1
    if (count > ENTRIES_MAX) throw new BytestreamError('ERR_PUBSUB_LIMIT', `more than ${ENTRIES_MAX} accounts are in a list of the feed`)
    yield entry
  }
}
