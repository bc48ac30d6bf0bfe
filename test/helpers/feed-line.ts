import type { ExecutionContext } from 'ava'
import { PublishSubscribe, type PublishSubscribeInit, presentComponent } from '../../src/component/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { attribute, type Element, NS } from '../../src/xep/index.ts'
import { type ComponentLine, openLine } from './component-line.ts'
import { formText, pubsub } from './pubsub-examples.ts'
import { field } from './pubsub-service.ts'

export const FEEDS = 'feeds.example.org'
export const NEWS = `builds\\2fnightly@${FEEDS}`
export const NODE = 'builds/nightly'
export const OWNER = 'ci@example.org/machine'
export const ACCOUNT = 'wall7@example.org'
export const DEVICE = `${ACCOUNT}/screen`

/** A service of feeds whose server is the test. */
export class FeedLine {
  readonly whole: PublishSubscribe
  readonly line: ComponentLine
  #marks = 0
  readonly #heard: Element[] = []

  private constructor(whole: PublishSubscribe, line: ComponentLine) {
    this.whole = whole
    this.line = line
  }

  static async open(t: ExecutionContext, init: Partial<PublishSubscribeInit> = {}, isLasting = false): Promise<FeedLine> {
    const given = { directory: undefined, limits: {}, mayCreate: () => true, onFailed: (error: Error) => t.fail(error.message), ...init }
    const whole = await PublishSubscribe.open({ clock: systemClock, logger: silentLogger }, given)
    const line = await openLine(t, FEEDS, {
      isLasting,
      attach: (session) => {
        whole.attach(session, FEEDS)
        presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: whole.parts })
      },
    })
    t.teardown(() => whole[Symbol.asyncDispose]())
    return new FeedLine(whole, line)
  }

  /** @returns what comes of it */
  async create(...fields: readonly string[]): Promise<void> {
    const form = formText('submit', 'node_config', fields.join(''))
    await this.ask(OWNER, 'set', pubsub(`<create node='${NODE}'/><configure>${form}</configure>`))
  }

  async ask(from: string, type: 'get' | 'set', payload: string, to = FEEDS): Promise<Element> {
    const id = `asked-${++this.#marks}`
    this.line.say(`<iq type='${type}' id='${id}' from='${from}' to='${to}'>${payload}</iq>`)
    for (;;) {
      const heard = await this.line.hear()
      if (attribute(heard, 'id') === id) return heard
      if (heard.name === 'presence') this.#heard.push(heard)
    }
  }

  presence(from: string, type?: string, inside = '', to = NEWS): void {
    this.line.say(`<presence from='${from}' to='${to}'${type ? ` type='${type}'` : ''}>${inside}</presence>`)
  }

  /** All presence that is said until now, as `type to`; what is said otherwise is left out. */
  async said(): Promise<readonly string[]> {
    return (await this.presences()).map((stanza) => `${attribute(stanza, 'type') ?? 'available'} ${attribute(stanza, 'to')}`)
  }

  async presences(): Promise<readonly Element[]> {
    // What is written now is committed at the end of this turn, and said behind that.
    await new Promise(setImmediate)
    await this.whole.pubsub.committed()
    await new Promise(setImmediate)
    const id = `mark-${++this.#marks}`
    this.line.say(`<iq type='get' id='${id}' from='${OWNER}' to='${FEEDS}'><ping xmlns='${NS.ping}'/></iq>`)
    const found = this.#heard.splice(0)
    for (;;) {
      const heard = await this.line.hear()
      if (attribute(heard, 'id') === id) return found
      if (heard.name === 'presence') found.push(heard)
    }
  }

  /** The account has the feed in its roster, and has granted it its own presence. */
  async befriend(account = ACCOUNT): Promise<void> {
    this.presence(account, 'subscribe')
    await this.said()
    this.presence(account, 'subscribed')
  }

  there(account = ACCOUNT): readonly string[] {
    return this.whole.feeds?.availability.resourcesOf(account).map(({ jid }) => jid) ?? []
  }

  /** How XEP-0060 names the state of the account's subscriptions. */
  states(account = ACCOUNT): readonly string[] {
    return this.whole.pubsub.subscriptions({ jid: account }).found.map(({ jid, state }) => `${jid} ${state}`)
  }
}

export const accessModel = (model: string): string => field('access_model', model)
