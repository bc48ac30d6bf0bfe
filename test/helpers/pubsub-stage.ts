import type { ExecutionContext } from 'ava'
import { PublishSubscribe, presentComponent } from '../../src/component/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import type { Affiliation, Asker, ConfigChange, NodeKind, Pubsub, PubsubLimits } from '../../src/pubsub/index.ts'
import { componentConnector, Session } from '../../src/session/index.ts'
import { attribute, type Element, NS } from '../../src/xep/index.ts'
import { owner, pubsub } from './pubsub-examples.ts'
import { login, type RawStream } from './raw-client.ts'
import { LOGIN_MS_MAX, type ServerUnderTest } from './server.ts'
import { type Found, filledIn, stanzaFits } from './stanzas.ts'

/** The node of XEP-0060's examples. */
export const NODE = 'princely_musings'

export interface StageInit {
  readonly limits?: Partial<PubsubLimits>
  readonly mayCreate?: (account: string) => boolean
}

/** Those of the examples who have accounts. */
export const PLAYERS = ['hamlet', 'francisco', 'bernardo', 'horatio', 'polonius'] as const
const PLAYER = new RegExp(`\\b(${PLAYERS.join('|')})@`, 'gi')

/** The account of one of them where the service is at `LABEL.localhost`. */
export const accountOn = (label: string, local: string): string => `${local}-${label}`

/** How the scene is set before somebody speaks. */
export interface NodeOnStage {
  readonly name?: string
  readonly kind?: NodeKind
  readonly config?: ConfigChange
  /** By local part, besides hamlet, who owns it. */
  readonly affiliations?: Readonly<Record<string, Affiliation>>
}

/**
 * The service behind a server, for those who say what the examples of XEP-0060 say, word by word. What the examples call
 * pubsub.shakespeare.lit and denmark.lit is called as the server has it, and every account is of this stage alone: ejabberd gives what a
 * connection that ends has not passed on yet to the others of its account, who have it already.
 */
export class PubsubStage {
  readonly found: Found = new Map()
  readonly jid: string
  readonly #t: ExecutionContext
  readonly #server: ServerUnderTest
  readonly #pubsub: Pubsub

  private constructor(t: ExecutionContext, server: ServerUnderTest, jid: string, whole: Pubsub) {
    this.#t = t
    this.#server = server
    this.jid = jid
    this.#pubsub = whole
  }

  static async open(t: ExecutionContext, server: ServerUnderTest, jid: string, init: StageInit = {}): Promise<PubsubStage> {
    const { limits = {}, mayCreate = () => true } = init
    const connect = componentConnector(systemClock, {
      jid,
      secret: server.secret,
      service: server.componentAt(jid),
      loginMsMax: LOGIN_MS_MAX,
    })
    const session = new Session({}, connect, { reconnect: 'never' })
    const components = { clock: systemClock, logger: silentLogger }
    const onFailed = (error: Error) => t.fail(error.message)
    const whole = await PublishSubscribe.open(components, { directory: undefined, limits, mayCreate, onFailed })
    const { part } = whole.attach(session, jid)
    presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: [part] })
    await session.start()
    t.teardown(async () => {
      await session.stop()
      await whole[Symbol.asyncDispose]()
    })
    return new PubsubStage(t, server, jid, whole.pubsub)
  }

  /** An account that is there; it hears what its bare JID is told. */
  async enter(local: string, resource: string): Promise<Player> {
    const stream = await login(this.#server.client, this.#server.account(accountOn(this.#label, local)), this.translate(resource))
    this.#t.teardown(() => stream.destroy())
    stream.send('<presence/>')
    await stream.flush(this.#server.domain)
    return new Player(this.#t, this, stream)
  }

  /** A new node of hamlet's in the place of the one before; nobody hears of it. */
  node({ name = NODE, kind = 'leaf', config = {}, affiliations = {} }: NodeOnStage = {}): void {
    const hamlet: Asker = { jid: this.translate('hamlet@denmark.lit') }
    if (this.#pubsub.nodes(hamlet).found.some((node) => node.name === name)) this.#pubsub.delete(hamlet, name)
    this.#pubsub.create(hamlet, { node: name, kind, config })
    const changes = Object.entries(affiliations).map(([local, affiliation]) => ({
      jid: this.translate(`${local}@denmark.lit`),
      affiliation,
    }))
    this.#pubsub.setNodeAffiliations(hamlet, name, changes)
  }

  noNode(name = NODE): void {
    this.#pubsub.delete({ jid: this.translate('hamlet@denmark.lit') }, name)
  }

  get #label(): string {
    const [label = ''] = this.jid.split('.')
    return label
  }

  /** What an example says, with the names there are here, and what has been found. */
  translate(text: string): string {
    const label = this.#label
    const here = text
      .replaceAll(PLAYER, (_, local: string) => `${accountOn(label, local)}@`)
      .replaceAll('pubsub.shakespeare.lit', this.jid)
      .replaceAll(/denmark\.lit|shakespeare\.lit/g, this.#server.domain)
      .replaceAll(/\b(barracks|elsinore|blogbot)\b/g, `$1-${label}`)
    return filledIn(here, this.found)
  }
}

const error = (inside: string) => `<error ${inside}</error>`

/** An error as the examples have it: its type, its condition, that of XEP-0060, and the feature there is not. */
export function refused(type: string, condition: string, application?: string, feature?: string): string {
  const named = feature === undefined ? '' : ` feature='${feature}'`
  const own = application === undefined ? '' : `<${application} xmlns='${NS.pubsubErrors}'${named}/>`
  return error(`type='${type}'><${condition} xmlns='${NS.stanzas}'/>${own}`)
}

export const unsupported = (feature: string) => refused('cancel', 'feature-not-implemented', 'unsupported', feature)

/** Somebody of the examples. */
export class Player {
  readonly #t: ExecutionContext
  readonly #stage: PubsubStage
  readonly #stream: RawStream
  readonly #messages: Element[] = []
  #asked = 0

  constructor(t: ExecutionContext, stage: PubsubStage, stream: RawStream) {
    this.#t = t
    this.#stage = stage
    this.#stream = stream
  }

  /**
   * Says what an example says, and hears what another one does.
   *
   * @param examples which, as `E28 E29`
   * @param expected what the answer holds; an `<error/>` makes it one
   */
  async ask(examples: string, type: 'get' | 'set', payload: string, expected: string): Promise<void> {
    const [id, to] = [`asked-${++this.#asked}`, this.#stage.jid]
    this.#stream.send(`<iq type='${type}' from='${this.#stream.jid}' to='${to}' id='${id}'>${this.#stage.translate(payload)}</iq>`)
    let answer = await this.#next()
    for (; answer.name !== 'iq'; answer = await this.#next()) this.#messages.push(answer)
    const kind = expected.includes('<error ') ? 'error' : 'result'
    const whole = `<iq type='${kind}' from='${to}' to='${this.#stream.jid}' id='${id}'>${this.#stage.translate(expected)}</iq>`
    stanzaFits(this.#t, answer, whole, this.#stage.found, examples)
  }

  get(examples: string, payload: string, expected: string): Promise<void> {
    return this.ask(examples, 'get', pubsub(payload), expected.startsWith('<error ') ? expected : pubsub(expected))
  }

  set(examples: string, payload: string, expected = ''): Promise<void> {
    return this.ask(examples, 'set', pubsub(payload), expected === '' || expected.startsWith('<error ') ? expected : pubsub(expected))
  }

  ownerGet(examples: string, payload: string, expected: string): Promise<void> {
    return this.ask(examples, 'get', owner(payload), expected.startsWith('<error ') ? expected : owner(expected))
  }

  ownerSet(examples: string, payload: string, expected = ''): Promise<void> {
    return this.ask(examples, 'set', owner(payload), expected)
  }

  /** Says something that has no answer. */
  say(inside: string, id: string): void {
    this.#stream.send(`<message to='${this.#stage.jid}' id='${id}'>${this.#stage.translate(inside)}</message>`)
  }

  /** Is told what an example tells, next; at its full address, or its bare one. */
  async hear(examples: string, inside: string, { to, type }: { to?: string; type?: string } = {}): Promise<void> {
    const typed = type === undefined ? '' : ` type='${type}'`
    const whom = to === undefined ? this.#stream.jid : this.#stage.translate(to)
    const expected = `<message from='${this.#stage.jid}' to='${whom}'${typed} id='{_}'>${this.#stage.translate(inside)}</message>`
    stanzaFits(this.#t, this.#messages.shift() ?? (await this.#next()), expected, this.#stage.found, examples)
  }

  /** Has been told nothing else. */
  async hearNothing(): Promise<void> {
    await this.ask('ping', 'get', `<ping xmlns='${NS.ping}'/>`, '')
    this.#t.deepEqual(this.#messages.splice(0).map(String), [])
  }

  /** The next stanza of the service; the server, and other accounts, may have something to say as well. */
  async #next(): Promise<Element> {
    let stanza = await this.#stream.next()
    while (attribute(stanza, 'from') !== this.#stage.jid) stanza = await this.#stream.next()
    return stanza
  }
}
