import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { Address } from './raw-client.ts'

/** One accepted connection of a server that is the test itself: text in, text out, no XML known. */
export class ServerSide {
  readonly socket: Socket
  /** Settles when the other side has hung up, properly or not. */
  readonly hungUp: Promise<unknown>
  #heard = ''
  #isOver = false

  constructor(socket: Socket) {
    this.socket = socket.setEncoding('utf8').on('data', (text: string) => {
      this.#heard += text
    })
    socket.on('error', () => {}) // Connections that break are what some tests are about.
    socket.once('end', () => {
      this.#isOver = true
    })
    this.hungUp = new Promise((resolve) => {
      socket.once('end', resolve)
      socket.once('close', resolve)
    })
  }

  say(text: string): void {
    this.socket.write(text)
  }

  /** Waits for what fits `pattern`, and takes everything up to its end. */
  async hears(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#heard)
      if (found) {
        this.#heard = this.#heard.slice(found.index + found[0].length)
        return found[1] ?? found[0]
      }
      if (this.#isOver || this.socket.destroyed) throw new Error(`heard "${this.#heard}" instead of ${pattern}`)
      await Promise.race([once(this.socket, 'data'), this.hungUp])
    }
  }

  /** What came and was not taken. */
  get rest(): string {
    return this.#heard
  }
}

export interface ScriptedServer extends Address {
  /** The next connection. */
  next(): Promise<ServerSide>
  /** Stops listening; connections stay. */
  close(): void
}

/**
 * Listens until the test is over.
 *
 * @param port any free one where it is left out
 */
export async function listenScripted(t: ExecutionContext, port = 0): Promise<ScriptedServer> {
  const arrived: ServerSide[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    t.teardown(() => socket.destroy())
    arrived.push(new ServerSide(socket))
    server.emit('arrived')
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    if (server.listening) server.close()
  }
  t.teardown(close)
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    async next() {
      while (arrived.length === 0) await once(server, 'arrived')
      return arrived.shift() as ServerSide
    },
    close,
  }
}

const COMPONENT_STREAM = "xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'"

/** The server's header of a component's stream. */
export const componentStream = (jid: string, id = '3BF96D32') =>
  `<?xml version='1.0'?><stream:stream ${COMPONENT_STREAM} from='${jid}' id='${id}'>`

/** @see RFC 6120 §4.9.2 */
export const streamError = (condition: string, text = '') =>
  `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>` +
  `${text && `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${text}</text>`}</stream:error></stream:stream>`

/** Lets a component in, whatever its secret. */
export async function acceptComponent(server: ScriptedServer, jid: string): Promise<ServerSide> {
  const side = await server.next()
  await side.hears(/<stream:stream[^>]*>/)
  side.say(componentStream(jid))
  await side.hears(/<handshake>[0-9a-f]{40}<\/handshake>/)
  side.say('<handshake/>')
  return side
}
