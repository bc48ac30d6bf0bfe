import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { handshakeDigest } from '../../src/xep/index.ts'
import { Cutter, type Listener } from './cutter.ts'

/** One stream of a component (XEP-0114) by hand, from either side. */
export class Line implements Disposable {
  readonly #socket: Socket

  private constructor(socket: Socket, listener: Listener) {
    this.#socket = socket.setNoDelay(true)
    const cutter = new Cutter(listener)
    socket.on('data', (octets) => cutter.read(octets)).on('error', () => {}) // Whoever waits for something says what did not come.
  }

  /** Connects and logs in. */
  static async dial(port: number, jid: string, secret: string, listener: Listener): Promise<Line> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    let [isIn, settle] = [false, (_error?: Error) => {}]
    const loggedIn = new Promise<void>((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve())
    })
    socket.once('close', () => settle(new Error(`the server hung up on ${jid}`)))
    const line = new Line(socket, {
      message: (octets, start, end) => listener.message(octets, start, end),
      other(text) {
        if (isIn) return listener.other(text)
        const [, id] = /^<stream:stream[^>]*\sid=["']([^"']*)/.exec(text) ?? []
        if (id !== undefined) return line.write(`<handshake>${handshakeDigest(id, secret)}</handshake>`)
        if (text.startsWith('<stream:error')) settle(new Error(text))
        isIn = text.startsWith('<handshake')
        if (isIn) settle()
      },
    })
    line.write(`<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${jid}'>`)
    await loggedIn
    return line
  }

  /** The server's side, for one component: without a server in between. */
  static async listen(listener: Listener): Promise<{ port: number; line: Promise<Line> }> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const accept = async () => {
      const [socket] = (await once(server, 'connection')) as [Socket]
      server.close()
      const line = new Line(socket, {
        message: (octets, start, end) => listener.message(octets, start, end),
        other(text) {
          if (text.startsWith('<stream:stream'))
            line.write(
              "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='localhost' id='1'>",
            )
          else if (text.startsWith('<handshake')) line.write('<handshake/>')
          else listener.other(text)
        },
      })
      return line
    }
    return { port: (server.address() as { port: number }).port, line: accept() }
  }

  /** What is said in one turn leaves in one piece. */
  write(text: string): void {
    const socket = this.#socket
    if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
    socket.write(text)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
