import type { ExecutionContext } from 'ava'
import { PublishSubscribe, type PublishSubscribeInit, type PubsubService, presentComponent } from '../../src/component/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { EmbeddedServer } from '../../src/embedded/index.ts'
import { componentConnector, Session } from '../../src/session/index.ts'
import { attribute, type Element, NS, parseStanzaError } from '../../src/xep/index.ts'
import { formText, pubsub as inPubsub, owner as ofOwner } from './pubsub-examples.ts'
import { type Address, login, type RawStream } from './raw-client.ts'

const DOMAIN = 'denmark.lit'
export const SERVICE = `pubsub.${DOMAIN}`
const SECRET = 'xyzzy'
const PASSWORD = 'pencil'
/** The accounts of XEP-0060's examples. */
const ACCOUNTS = ['hamlet', 'francisco', 'bernardo', 'horatio', 'polonius'] as const

export type PubsubSceneInit = Partial<PublishSubscribeInit>

/** The publish-subscribe service behind an embedded server, as accounts of that see it. */
export class PubsubBehindServer {
  readonly whole: PublishSubscribe
  readonly service: PubsubService
  readonly #client: Address
  readonly #t: ExecutionContext

  private constructor(t: ExecutionContext, whole: PublishSubscribe, service: PubsubService, client: Address) {
    this.#t = t
    this.whole = whole
    this.service = service
    this.#client = client
  }

  static async start(t: ExecutionContext, init: PubsubSceneInit = {}): Promise<PubsubBehindServer> {
    const listen = { host: '127.0.0.1', port: 0 }
    const server = new EmbeddedServer(
      {},
      {
        domain: DOMAIN,
        accounts: ACCOUNTS.map((local) => ({ local, password: PASSWORD })),
        components: [{ jid: SERVICE, secret: SECRET }],
        clientListen: listen,
        componentListen: listen,
      },
    )
    const { client, component } = await server.listen()
    const clock = systemClock
    const session = new Session({}, componentConnector(clock, { jid: SERVICE, secret: SECRET, service: component }), { reconnect: 'never' })
    const everybody = { directory: undefined, limits: {}, mayCreate: () => true }
    const whole = await PublishSubscribe.open(
      { clock, logger: silentLogger },
      { ...everybody, onFailed: (error) => t.fail(error.message), ...init },
    )
    const service = whole.attach(session, SERVICE)
    presentComponent(session, clock, { version: { name: 'streamhost', version: '0' }, parts: whole.parts })
    await session.start()
    t.teardown(async () => {
      await session.stop()
      await whole[Symbol.asyncDispose]()
      await server.close()
    })
    return new PubsubBehindServer(t, whole, service, client)
  }

  /** Logs an account in, for as long as the test runs. */
  async enter(local: (typeof ACCOUNTS)[number], resource = 'elsinore'): Promise<WirePubsub> {
    const stream = await login(this.#client, { local, password: PASSWORD, domain: DOMAIN }, resource)
    this.#t.teardown(() => stream.destroy())
    return new WirePubsub(stream)
  }
}

export const PAYLOAD = "<test xmlns='urn:example'/>"

/** A field of a form, as it is submitted. */
export const field = (name: string, ...values: readonly string[]): string =>
  `<field var='${name.startsWith('x-') ? name : `pubsub#${name}`}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`

/** What an answer comes to: `result`, or the type, the condition and what XEP-0060 says of an error. */
export function outcome(answer: Element): string {
  if (attribute(answer, 'type') !== 'error') return 'result'
  const { stanzaError } = parseStanzaError(answer)
  const { type, condition, application: [name, , attributes] = [] } = stanzaError
  return [type, condition, name, attributes?.['feature']].filter((word) => word !== undefined).join(' ')
}

/** An account that speaks with the service in raw XML. */
export class WirePubsub {
  readonly stream: RawStream
  readonly #messages: Element[] = []
  #asked = 0

  readonly #service: string

  /** @param service whom it asks unless something else is said */
  constructor(stream: RawStream, service = SERVICE) {
    this.stream = stream
    this.#service = service
  }

  get jid(): string {
    return this.stream.jid
  }

  get account(): string {
    return this.jid.slice(0, this.jid.indexOf('/'))
  }

  /** @returns the answer */
  async ask(type: 'get' | 'set', payload: string, to = this.#service): Promise<Element> {
    const id = `asked-${++this.#asked}`
    this.stream.send(`<iq type='${type}' id='${id}' to='${to}'>${payload}</iq>`)
    for (;;) {
      const element = await this.stream.next()
      if (element.name === 'iq' && attribute(element, 'id') === id) return element
      this.#messages.push(element)
    }
  }

  /** The next stanza that is no answer. */
  async message(): Promise<Element> {
    return this.#messages.shift() ?? (await this.stream.next())
  }

  /** What has come by now that is no answer, up to what the service has said so far. */
  async messages(): Promise<readonly Element[]> {
    await this.ask('get', `<ping xmlns='${NS.ping}'/>`)
    return this.#messages.splice(0)
  }

  say(message: string): void {
    this.stream.send(message)
  }

  get(inside: string): Promise<Element> {
    return this.ask('get', inPubsub(inside))
  }

  set(inside: string): Promise<Element> {
    return this.ask('set', inPubsub(inside))
  }

  ownerGet(inside: string): Promise<Element> {
    return this.ask('get', ofOwner(inside))
  }

  ownerSet(inside: string): Promise<Element> {
    return this.ask('set', ofOwner(inside))
  }

  /** Creates a node with those fields of its configuration. @returns what comes of it */
  create(node: string, ...fields: readonly string[]): Promise<string> {
    return this.outcome(this.set(`<create node='${node}'/><configure>${formText('submit', 'node_config', fields.join(''))}</configure>`))
  }

  /** Publishes {@link PAYLOAD}. @returns what comes of it */
  publish(node: string, id: string): Promise<string> {
    return this.outcome(this.set(`<publish node='${node}'><item id='${id}'>${PAYLOAD}</item></publish>`))
  }

  /** @returns what comes of it */
  async outcome(answer: Promise<Element>): Promise<string> {
    return outcome(await answer)
  }
}
