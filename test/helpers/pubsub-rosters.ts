import type { ExecutionContext } from 'ava'
import { PublishSubscribe, presentComponent } from '../../src/component/index.ts'
import { attribute, type Element, NS, parseDiscoInfo } from '../../src/xep/index.ts'
import { type ComponentLine, openLine } from './component-line.ts'
import { FakeClock } from './fake-clock.ts'
import { keepLines } from './log-lines.ts'
import { formText, owner as ofOwner, pubsub as ofPubsub } from './pubsub-examples.ts'
import { field, outcome, PAYLOAD } from './pubsub-service.ts'

export const DOMAIN = 'denmark.lit'
const SERVICE = `pubsub.${DOMAIN}`
export const OWNER = `hamlet@${DOMAIN}`
export const FRIEND = `horatio@${DOMAIN}`
export const OTHER = 'francisco@elsinore.lit'

/** What a server says it lets us do with rosters. */
export const grants = (type: string, xmlns: string = NS.privilege) =>
  `<privilege xmlns='${xmlns}'><perm access='roster' type='${type}'/></privilege>`

/** A contact in a roster. */
export const contact = (jid: string, subscription = 'both', ...groups: readonly string[]) =>
  `<item jid='${jid}' subscription='${subscription}'>${groups.map((group) => `<group>${group}</group>`).join('')}</item>`

const isRosterQuestion = (stanza: Element) =>
  stanza.name === 'iq' && attribute(stanza, 'type') === 'get' && stanza.getChild('query', NS.roster) !== undefined

/** Publish-subscribe whose server is the test: it grants rosters, or not, and answers with them. */
export class RosterScene {
  readonly clock: FakeClock
  readonly log: ReturnType<typeof keepLines>
  readonly whole: PublishSubscribe
  readonly line: ComponentLine
  /** By owner: what is in it. Whoever is not in here has no account. */
  readonly rosters = new Map<string, string>()
  /** Whose roster was asked for, in order. */
  readonly asked: string[] = []
  /** Questions that are left to the test, while it wants them. */
  held: Element[] | undefined
  readonly #told: Element[] = []
  readonly #waiting: (() => void)[] = []
  readonly #looking: (() => void)[] = []
  readonly #answers = new Map<string, (answer: Element) => void>()
  #ids = 0

  private constructor(clock: FakeClock, log: ReturnType<typeof keepLines>, whole: PublishSubscribe, line: ComponentLine) {
    this.clock = clock
    this.log = log
    this.whole = whole
    this.line = line
    void this.#listen()
  }

  static async open(t: ExecutionContext, { isGranted = true } = {}): Promise<RosterScene> {
    const clock = new FakeClock()
    const log = keepLines()
    const { logger } = log
    const init = { directory: undefined, limits: {}, mayCreate: () => true, rosterDomains: [DOMAIN] }
    const whole = await PublishSubscribe.open({ clock, logger }, { ...init, onFailed: (error) => t.fail(error.message) })
    const line = await openLine(t, SERVICE, {
      ...{ clock, logger, isLasting: true },
      attach(session) {
        const { part } = whole.attach(session, SERVICE)
        presentComponent(session, clock, { version: { name: 'streamhost', version: '0' }, parts: [part] })
      },
    })
    t.teardown(() => whole[Symbol.asyncDispose]())
    const scene = new RosterScene(clock, log, whole, line)
    scene.rosters.set(OWNER, contact(FRIEND, 'both', 'Friends'))
    if (isGranted) scene.grant('get')
    return scene
  }

  /** The server says what it grants. */
  grant(type: string): void {
    this.say(DOMAIN, grants(type))
  }

  /** The connection is lost, and there is another; nothing is granted on it yet. */
  async comeBack(): Promise<void> {
    const { session } = this.line
    const offline = new Promise((resolve) => session.once('offline', resolve))
    const online = new Promise((resolve) => session.once('online', resolve))
    this.line.lose()
    await offline
    this.clock.advance(1_000)
    await online
  }

  /** Somebody sends a message. */
  say(from: string, inside: string, attributes = ''): void {
    this.line.say(`<message from='${from}' to='${SERVICE}' ${attributes}>${inside}</message>`)
  }

  /** Somebody asks; the answer. */
  ask(from: string, type: 'get' | 'set', payload: string): Promise<Element> {
    const id = `asked-${++this.#ids}`
    const answer = new Promise<Element>((resolve) => this.#answers.set(id, resolve))
    this.line.say(`<iq type='${type}' id='${id}' from='${from}' to='${SERVICE}'>${payload}</iq>`)
    return answer
  }

  /** What comes of creating a node of that access model; its group is Friends. */
  async create(node: string, model: string, ...fields: readonly string[]): Promise<string> {
    const config = [field('access_model', model), field('roster_groups_allowed', 'Friends'), ...fields].join('')
    const inside = `<create node='${node}'/><configure>${formText('submit', 'node_config', config)}</configure>`
    return outcome(await this.ask(`${OWNER}/x`, 'set', ofPubsub(inside)))
  }

  async subscribe(account: string, node: string): Promise<string> {
    return outcome(await this.ask(`${account}/x`, 'set', ofPubsub(`<subscribe node='${node}' jid='${account}'/>`)))
  }

  async retrieve(account: string, node: string): Promise<string> {
    return outcome(await this.ask(`${account}/x`, 'get', ofPubsub(`<items node='${node}'/>`)))
  }

  async publish(node: string, id: string, account = OWNER): Promise<string> {
    const item = `<publish node='${node}'><item id='${id}'>${PAYLOAD}</item></publish>`
    return outcome(await this.ask(`${account}/x`, 'set', ofPubsub(item)))
  }

  /** What an owner asks. */
  asOwner(type: 'get' | 'set', inside: string): Promise<Element> {
    return this.ask(`${OWNER}/x`, type, ofOwner(inside))
  }

  /** The access models the service shows. */
  async shown(): Promise<readonly string[]> {
    const [info] = (await this.ask(`${OTHER}/x`, 'get', `<query xmlns='${NS.discoInfo}'/>`)).getChildElements()
    const prefix = `${NS.pubsub}#access-`
    const features = info ? parseDiscoInfo(info).features : []
    return features.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  }

  /** The next notification: to whom, of which node, and what in it. */
  async told(): Promise<string> {
    while (this.#told.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    const message = this.#told.shift() as Element
    const [change] = message.getChild('event')?.getChildElements() ?? []
    const ids = change?.getChildElements().map((item) => attribute(item, 'id')) ?? []
    return [attribute(message, 'to'), change?.getName(), change && attribute(change, 'node'), ...ids]
      .filter((word) => word !== undefined)
      .join(' ')
  }

  /** All that was told up to now. */
  async toldSoFar(): Promise<readonly string[]> {
    // It is told behind the answer, in pieces, with a turn of the event loop between them.
    await new Promise(setImmediate)
    while ((this.whole.notifications?.counts.waiting ?? 0) > 0) await new Promise(setImmediate)
    const told: string[] = []
    while (this.#told.length > 0) told.push(await this.told())
    return told
  }

  /** The server answers a question about a roster, from what there is now. */
  answer(question: Element): void {
    const [to, id] = [attribute(question, 'to') ?? '', attribute(question, 'id') ?? '']
    const roster = this.rosters.get(to)
    const inside =
      roster === undefined
        ? "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        : `<query xmlns='${NS.roster}'>${roster}</query>`
    this.line.say(`<iq type='${roster === undefined ? 'error' : 'result'}' id='${id}' from='${to}' to='${SERVICE}'>${inside}</iq>`)
  }

  /** What the component sends is answered, given to whoever asked, or kept. */
  async #listen(): Promise<void> {
    for (;;) {
      const stanza = await this.line.hear()
      if (isRosterQuestion(stanza)) {
        this.asked.push(attribute(stanza, 'to') ?? '')
        if (this.held) this.held.push(stanza)
        else this.answer(stanza)
      } else if (stanza.name === 'iq') this.#answers.get(attribute(stanza, 'id') ?? '')?.(stanza)
      else {
        this.#told.push(stanza)
        this.#waiting.shift()?.()
      }
      for (const look of this.#looking.splice(0)) look()
    }
  }

  /** Until so many questions about rosters have been asked. */
  async haveAsked(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>((resolve) => this.#looking.push(resolve))
  }
}
