import type { ExecutionContext } from 'ava'
import { type Notifier, PubsubService, presentComponent } from '../../src/component/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { EmbeddedServer } from '../../src/embedded/index.ts'
import { MemoryStore, type Notice, Pubsub, type PubsubInit } from '../../src/pubsub/index.ts'
import { componentConnector, Session } from '../../src/session/index.ts'
import { attribute, type Element, parseStanzaError } from '../../src/xep/index.ts'
import { pubsub as inPubsub, owner as ofOwner } from './pubsub-examples.ts'
import { login, type RawStream } from './raw-client.ts'

const DOMAIN = 'denmark.lit'
export const SERVICE = `pubsub.${DOMAIN}`
const SECRET = 'xyzzy'
const PASSWORD = 'pencil'
/** The accounts of XEP-0060's examples. */
const ACCOUNTS = ['hamlet', 'francisco', 'bernardo', 'horatio', 'polonius'] as const

/** The publish-subscribe service behind an embedded server, as accounts of that see it. */
export class PubsubBehindServer {
  readonly pubsub: Pubsub
  readonly service: PubsubService
  readonly session: Session
  /** Whom somebody is told of what, in order. */
  readonly told: Notice[]
  readonly #client: { host: string; port: number }
  readonly #t: ExecutionContext

  private constructor(
    t: ExecutionContext,
    parts: Pick<PubsubBehindServer, 'pubsub' | 'service' | 'session' | 'told'>,
    client: { host: string; port: number },
  ) {
    this.#t = t
    this.pubsub = parts.pubsub
    this.service = parts.service
    this.session = parts.session
    this.told = parts.told
    this.#client = client
  }

  static async start(t: ExecutionContext, init: PubsubInit = {}): Promise<PubsubBehindServer> {
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
    const session = new Session({}, componentConnector(systemClock, { jid: SERVICE, secret: SECRET, service: component }), {
      reconnect: 'never',
    })
    const pubsub = new Pubsub({ store: new MemoryStore() }, init)
    const told: Notice[] = []
    const notifier: Notifier = { tell: (notices) => void told.push(...notices) }
    const service = new PubsubService({ session, pubsub, notifier })
    presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: [service.part] })
    await session.start()
    t.teardown(async () => {
      await session.stop()
      await server.close()
    })
    return new PubsubBehindServer(t, { pubsub, service, session, told }, client)
  }

  /** Logs an account in, for as long as the test runs. */
  async enter(local: (typeof ACCOUNTS)[number], resource = 'elsinore'): Promise<PubsubClient> {
    const stream = await login(this.#client, { local, password: PASSWORD, domain: DOMAIN }, resource)
    this.#t.teardown(() => stream.destroy())
    return new PubsubClient(stream)
  }
}

/** What an answer comes to: `result`, or the type, the condition and what XEP-0060 says of an error. */
export function outcome(answer: Element): string {
  if (attribute(answer, 'type') !== 'error') return 'result'
  const { stanzaError } = parseStanzaError(answer)
  const { type, condition, application: [name, , attributes] = [] } = stanzaError
  return [type, condition, name, attributes?.['feature']].filter((word) => word !== undefined).join(' ')
}

/** An account that speaks with the service in raw XML. */
export class PubsubClient {
  readonly stream: RawStream
  /** What is not an answer. */
  readonly messages: Element[] = []
  #asked = 0

  constructor(stream: RawStream) {
    this.stream = stream
  }

  get jid(): string {
    return this.stream.jid
  }

  get account(): string {
    return this.jid.slice(0, this.jid.indexOf('/'))
  }

  /** @returns the answer */
  async ask(type: 'get' | 'set', payload: string, to = SERVICE): Promise<Element> {
    const id = `asked-${++this.#asked}`
    this.stream.send(`<iq type='${type}' id='${id}' to='${to}'>${payload}</iq>`)
    for (;;) {
      const element = await this.stream.next()
      if (element.name === 'iq' && attribute(element, 'id') === id) return element
      this.messages.push(element)
    }
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

  /** @returns what comes of it */
  async outcome(answer: Promise<Element>): Promise<string> {
    return outcome(await answer)
  }
}
