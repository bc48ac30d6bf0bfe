import { BytestreamError, bareJid, type Clock, type Logger, LogRation, toBytestreamError } from '../../core/index.ts'
import {
  type Asker,
  type FeedContact,
  type NodeRecord,
  type Notice,
  Pubsub,
  stranger,
  type Transition,
  transition,
  type Word,
} from '../../pubsub/index.ts'
import type { Session } from '../../session/index.ts'
import {
  buildPresencePacket,
  type Element,
  type PresencePacket,
  type PresenceValue,
  parseCapabilities,
  parsePresence,
  parsePresencePacket,
  writeXml,
} from '../../xep/index.ts'
import { type AskersComponents, askerOf } from '../pubsub/askers.ts'
import type { Notifications } from '../pubsub/notifications.ts'
import type { Availability } from './availability.ts'
import { nodeOfAddress } from './feed-address.ts'
import { FeedWords, type FeedWordsInit, type Told } from './feed-words.ts'
import { PresencePieces } from './presence-pieces.ts'

export interface FeedPresenceComponents extends AskersComponents {
  /** Borrowed. */
  readonly session: Session
  readonly notifications: Pick<Notifications, 'tell'>
  readonly availability: Availability
  readonly clock: Clock
  readonly logger: Logger
}

/** Contacts that are read, and leave, at once. */
const PAGE = 500
/** Requests that could not be decided about, and are when there is a connection again; of more, when their contact is heard of again. */
const UNDECIDED_MAX = 1_000

/** A request to be subscribed. */
interface Undecided {
  readonly node: Pick<NodeRecord, 'id' | 'name'>
  readonly account: string
  readonly value: PresenceValue | undefined
}

/**
 * The feeds as contacts: each answers presence at its address (RFC 6121 §3, §4). Subscribing by presence is subscribing the bare JID at
 * the node: one subscription, whichever way it came about and ends. Presence to the service itself says that somebody is there, and
 * no more.
 */
export class FeedPresence implements Disposable {
  readonly #components: FeedPresenceComponents
  readonly #words: FeedWords
  readonly #pieces: PresencePieces
  readonly #rations: LogRation<string>
  /** By node and account. */
  readonly #undecided = new Map<string, Undecided>()
  /** Those for which rosters are being asked. */
  readonly #deciding = new Set<string>()
  /** Connections there have been, and ends of them. */
  #rounds = 0
  #isClosing = false

  constructor(components: FeedPresenceComponents, init: FeedWordsInit) {
    const { session, pubsub, clock } = components
    this.#components = components
    this.#words = new FeedWords(pubsub, init)
    this.#pieces = new PresencePieces(session)
    this.#rations = new LogRation(clock)
    session.on('presence', this.#onPresence).on('online', this.#onOnline).on('offline', this.#onOffline)
    pubsub.contacts.watch({
      words: ({ node, account, say }) => this.#say(say, { node, to: account }),
      gone: (node) => this.#leave(node),
    })
  }

  /** Tells all who have our presence that it is over, for so long at the most; whoever subscribes now has to come again. */
  async drain(msMax: number): Promise<void> {
    const { session, clock } = this.#components
    this.#isClosing = true
    this.#rounds += 1
    if (!session.isOnline) return
    const over = new AbortController()
    const cancel = clock.after(msMax, () => over.abort())
    const late = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve(), { once: true }))
    const farewells = this.#toAll(
      ({ theirs }) => (theirs === 'subscribed' ? ['unavailable'] : []),
      () => over.signal.aborted,
    )
    await Promise.race([this.#pieces.send(farewells).catch(this.#onFailed), late])
    cancel()
  }

  [Symbol.dispose](): void {
    const { session, pubsub } = this.#components
    session.off('presence', this.#onPresence).off('online', this.#onOnline).off('offline', this.#onOffline)
    pubsub.contacts.watch({ words: () => {}, gone: () => {} })
  }

  readonly #onFailed = (err: unknown) => {
    const suppressed = this.#rations.take('failed')
    if (suppressed !== undefined) this.#components.logger.error({ err, suppressed }, 'presence of feeds failed')
  }

  /** RFC 6121 §4.3: whose presence we may have is asked for it; who has ours gets it. */
  readonly #onOnline = () => {
    const round = ++this.#rounds
    const said = this.#toAll(
      ({ theirs, ours }) => [...(theirs === 'subscribed' ? ['available' as const] : []), ...(ours === 'granted' ? ['probe' as const] : [])],
      () => round !== this.#rounds,
    )
    this.#pieces.send(said).catch(this.#onFailed)
    for (const undecided of [...this.#undecided.values()]) this.#decide(undecided)
  }

  readonly #onOffline = () => {
    this.#rounds += 1
    this.#components.availability.lost()
  }

  readonly #onPresence = (_: unknown, stanza: Element) => {
    // What fails here has nobody who could be told.
    try {
      this.#receive(stanza)
    } catch (error) {
      if (toBytestreamError(error).code !== 'ERR_JID_MALFORMED') this.#onFailed(error)
    }
  }

  #receive(stanza: Element): void {
    const packet = parsePresencePacket(stanza)
    if (!packet?.from || !packet.to) return
    const { pubsub, session } = this.#components
    const { kind, from, to } = packet
    if (kind === 'presence' || kind === 'probe') pubsub.bounces.heard(from)
    const account = Pubsub.accountOf(from)
    const happening = kind === 'presence' ? 'available' : kind
    const node = this.#feedAt(to)
    if (!node) {
      const { act, say } = transition(stranger, happening)
      this.#show(act, packet, stanza)
      if (act === 'decide' || say.length > 0) session.send(buildPresencePacket({ kind: 'unsubscribed', from: bareJid(to), to: account }))
      return
    }
    const step = pubsub.contacts.take(node.id, account, happening)
    // RFC 6121 §4.3.2: who has asked gets our presence, be it one device of the account; of subscriptions all of it hear.
    this.#say(step.say, { node: node.name, to: kind === 'probe' && step.say.includes('available') ? from : account })
    this.#show(step.act, packet, stanza)
    if (step.act === 'end') this.#end(node.name, account)
    if (step.act === 'decide') this.#decide({ node, account, value: packet.value })
    else if (step.to.theirs === 'pending' && (kind === 'presence' || kind === 'probe')) this.#decideAgain(node, account)
  }

  #feedAt(to: string): NodeRecord | undefined {
    const name = nodeOfAddress(to)
    const node = name === undefined ? undefined : this.#components.pubsub.find(name)
    return node?.kind === 'leaf' ? node : undefined
  }

  #show(act: Transition['act'], { kind, from = '' }: PresencePacket, stanza: Element): void {
    const { availability } = this.#components
    if (act === 'vanish') availability.vanished(from)
    if (act !== 'appear') return
    const told = kind === 'probe' ? {} : { priority: parsePresence(stanza)?.priority ?? 0, capabilities: parseCapabilities(stanza) }
    availability.appeared(from, told)
  }

  /** Once what has been written is committed. */
  #say(words: readonly Word[], told: Told): void {
    if (words.length === 0) return
    const { session, pubsub } = this.#components
    const stanzas = words.flatMap((word) => this.#words.write(word, told) ?? [])
    pubsub.committed().then(() => {
      for (const stanza of stanzas) session.send(stanza)
    }, this.#onFailed)
  }

  #tell(notices: readonly Notice[], by: string): void {
    const { pubsub, notifications } = this.#components
    if (notices.length > 0) pubsub.committed().then(() => notifications.tell(notices, by), this.#onFailed)
  }

  #end(node: string, account: string): void {
    const { pubsub } = this.#components
    const asker = { jid: account }
    const own = pubsub.subscriptions(asker, { node }).found.filter(({ jid }) => jid === account)
    for (const { subid } of own) this.#tell(pubsub.unsubscribe(asker, { node, jid: account, subid }).notices, account)
  }

  /** It may have been left undecided, also by a process that has ended; one that owners have to decide about has a subscription. */
  #decideAgain(node: NodeRecord, account: string): void {
    const key = keyOf(node, account)
    const own = this.#components.pubsub.subscriptions({ jid: account }, { node: node.name }).found
    if (this.#deciding.has(key) || own.some(({ jid }) => jid === account)) return
    this.#decide(this.#undecided.get(key) ?? { node, account, value: undefined })
  }

  #decide(request: Undecided): void {
    const key = keyOf(request.node, request.account)
    if (this.#undecided.size < UNDECIDED_MAX || this.#undecided.has(key)) this.#undecided.set(key, request)
    this.#deciding.add(key)
    const onDecided = () => {
      if (this.#undecided.get(key) === request) this.#undecided.delete(key)
    }
    this.#tryToDecide(request)
      .then(onDecided, this.#onFailed)
      .finally(() => this.#deciding.delete(key))
  }

  /** Whether it may subscribe, as if it had asked by XEP-0060; an owner who has to decide is asked by that. */
  async #tryToDecide({ node: { id, name }, account, value }: Undecided): Promise<void> {
    const { pubsub } = this.#components
    const found = askerOf(this.#components, account, name)
    const asker = found instanceof Promise ? await found : found
    // Rosters take their time: it may have taken that back.
    if (this.#isClosing || pubsub.contacts.contact(id, account)?.theirs !== 'pending') return
    try {
      const { state, notices } = this.#subscribe(asker, name, keysOf(value))
      if (state === 'subscribed') this.#say(pubsub.contacts.take(id, account, 'letIn').say, { node: name, to: account })
      this.#tell(notices, account)
    } catch (thrown) {
      const refusal = toBytestreamError(thrown)
      if (refusal.code === 'ERR_PUBSUB_PENDING') return
      this.#say(pubsub.contacts.take(id, account, 'ended').say, { node: name, to: account, refusal })
      if (!(thrown instanceof BytestreamError)) throw thrown
    }
  }

  /** With a queue, since it is not always there; the subscription that its bare JID has already gets one. */
  #subscribe(
    asker: Asker,
    node: string,
    keys: readonly string[] | undefined,
  ): { readonly state: string; readonly notices: readonly Notice[] } {
    const { pubsub } = this.#components
    const { jid } = asker
    const options = { queue: true, ...(keys && { keys }) }
    const own = pubsub.subscriptions(asker, { node }).found.find((each) => each.jid === jid)
    if (own?.state === 'subscribed') {
      return { state: own.state, notices: pubsub.setOptions(asker, { node, jid, subid: own.subid }, options).notices }
    }
    const { subscription, notices } = pubsub.subscribe(asker, { node, jid, options })
    return { state: subscription.state, notices }
  }

  /** The contacts of a node that is gone leave with it. */
  #leave(node: Pick<NodeRecord, 'id' | 'name'>): void {
    const { pubsub } = this.#components
    pubsub
      .committed()
      .then(() => this.#pieces.send(this.#farewells(node)))
      .catch(this.#onFailed)
  }

  *#farewells(node: Pick<NodeRecord, 'id' | 'name'>): Iterable<string> {
    const { contacts } = this.#components.pubsub
    for (let left = contacts.leave(node, PAGE); left.length > 0; left = contacts.leave(node, PAGE)) {
      for (const { account, say } of left) yield* this.#written(say, { node: node.name, to: account })
    }
  }

  /** What is to be said to each contact, as long as it is wanted. */
  *#toAll(wordsFor: (contact: FeedContact) => readonly (Word | 'probe')[], isOver: () => boolean): Iterable<string> {
    for (const page of this.#components.pubsub.contacts.all(PAGE)) {
      for (const contact of page) {
        if (isOver()) return
        yield* this.#written(wordsFor(contact), { node: contact.node, to: contact.account })
      }
    }
  }

  *#written(words: readonly (Word | 'probe')[], told: Told): Iterable<string> {
    for (const word of words) {
      const stanza = this.#words.write(word, told)
      if (stanza) yield writeXml(stanza)
    }
  }
}

const keyOf = ({ id }: Pick<NodeRecord, 'id'>, account: string) => `${id} ${account}`

/** What somebody wants to be told, by the value of its request: patterns of routing keys; `undefined` where it does not say. */
function keysOf(value: PresenceValue | undefined): readonly string[] | undefined {
  if (value?.type !== 'selector' || !('json' in value) || !('keys' in value.json)) return undefined
  const { keys } = value.json
  return Array.isArray(keys) && keys.every((key) => typeof key === 'string') ? keys : undefined
}
