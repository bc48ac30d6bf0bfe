import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { attribute, type Element, handshakeDigest, NS, type StreamParser, startStreamParser } from '../../src/xep/index.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** The other end of a server's stream, in raw XML: says what a test wants said, however wrong. */
export class RawStream {
  readonly #socket: Socket
  #parser: StreamParser
  readonly #elements: Element[] = []
  readonly #waiting: ((element: Element | undefined) => void)[] = []
  #isClosed = false
  #pings = 0
  #onHeader: ((header: Element) => void) | undefined
  /** The header of the server's current stream. */
  header: Element | undefined
  /** Full, once a client has its resource. */
  jid = ''

  /** @param socket connected; the stream's own from now on */
  constructor(socket: Socket) {
    this.#socket = socket
    this.#parser = this.#startParser()
    socket.setNoDelay(true)
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      try {
        this.#parser.write(text)
      } catch {
        socket.destroy() // Whoever waits for more hears that the stream has ended.
      }
    })
    socket.on('error', () => socket.destroy()) // A server may hang up on us; `next` tells.
    socket.once('close', () => {
      this.#isClosed = true
      for (const settle of this.#waiting.splice(0)) settle(undefined)
    })
  }

  static async open({ host, port }: Address): Promise<RawStream> {
    const socket = connect({ port, host, noDelay: true })
    await once(socket, 'connect')
    return new RawStream(socket)
  }

  #startParser(): StreamParser {
    return startStreamParser({
      start: (header) => {
        this.header = header
        this.#onHeader?.(header)
      },
      element: (element) => {
        const settle = this.#waiting.shift()
        if (settle) settle(element)
        else this.#elements.push(element)
      },
      end: () => {
        if (!this.#socket.writableEnded) this.#socket.end('</stream:stream>')
      },
    })
  }

  send(text: string | Uint8Array): void {
    this.#socket.write(text)
  }

  /** The header of the server's first stream, once it is there. */
  begun(): Promise<Element> {
    return this.header
      ? Promise.resolve(this.header)
      : new Promise((resolve) => {
          this.#onHeader = resolve
        })
  }

  /** The next element; fails when the stream ends first. */
  async next(): Promise<Element> {
    const element =
      this.#elements.shift() ??
      (this.#isClosed ? undefined : await new Promise<Element | undefined>((settle) => this.#waiting.push(settle)))
    if (!element) throw new Error('the stream has ended')
    return element
  }

  /** Everything up to the end of the stream. */
  async rest(): Promise<Element[]> {
    if (!this.#isClosed) await new Promise((resolve) => this.#socket.once('close', resolve))
    return this.#elements.splice(0)
  }

  /** The condition of the stream error the server ends the stream with; fails when it says anything else. */
  async streamError(): Promise<string> {
    const [error, ...others] = await this.rest()
    if (!error?.is('error', NS.stream) || others.length > 0) throw new Error(`not one stream error: ${[error, ...others].join('')}`)
    return error.getChildElements()[0]?.name ?? ''
  }

  /** Begins a stream anew. */
  restart(header: string): void {
    this.#parser = this.#startParser()
    this.send(header)
  }

  /** Asks the server for a sign of life: what it had to say to us before that, in its order. */
  async flush(domain: string): Promise<Element[]> {
    this.#pings += 1
    const id = `flush-${this.#pings}`
    this.send(`<iq type='get' id='${id}' from='${this.jid}' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    const before: Element[] = []
    for (let element = await this.next(); attribute(element, 'id') !== id; element = await this.next()) before.push(element)
    return before
  }

  /** Reads no more, so that what the server sends piles up. */
  stall(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Says no more, and listens to the end. */
  end(): void {
    this.#socket.end()
  }

  /** Hangs up without a word. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** Closes the stream, and waits until the server has. */
  async close(): Promise<void> {
    this.send('</stream:stream>')
    await this.rest()
  }
}

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')

export function clientHeader(domain: string, attributes = "version='1.0'"): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${NS.stream}' to='${domain}' ${attributes}>`
}

export function componentHeader(jid: string): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='${NS.stream}' to='${jid}'>`
}

export const auth = (mechanism: string, message: string) => `<auth xmlns='${NS.sasl}' mechanism='${mechanism}'>${base64(message)}</auth>`
export const response = (message: string) => `<response xmlns='${NS.sasl}'>${base64(message)}</response>`

/** The client's second message of SCRAM-SHA-1, and the server's signature it has to see (RFC 5802 §3), by the book. */
export function scramProof(password: string, clientFirstBare: string, serverFirst: string, gs2Header = 'n,,') {
  const hmac = (key: Buffer, text: string) => createHmac('sha1', key).update(text).digest()
  const { r = '', s = '', i = '' } = Object.fromEntries(serverFirst.split(',').map((part) => [part[0], part.slice(2)]))
  const salted = pbkdf2Sync(password, Buffer.from(s, 'base64'), Number(i), 20, 'sha1')
  const clientKey = hmac(salted, 'Client Key')
  const withoutProof = `c=${base64(gs2Header)},r=${r}`
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`
  const signature = hmac(createHash('sha1').update(clientKey).digest(), authMessage)
  const proof = clientKey.map((octet, index) => octet ^ (signature[index] as number))
  return {
    final: `${withoutProof},p=${base64(Buffer.from(proof))}`,
    serverFinal: `v=${base64(hmac(hmac(salted, 'Server Key'), authMessage))}`,
  }
}

export interface Login {
  readonly local: string
  readonly password: string
  readonly domain: string
}

/** Opens a stream, up to its features. */
export async function openClient(address: Address, domain: string): Promise<RawStream> {
  const stream = await RawStream.open(address)
  stream.send(clientHeader(domain))
  await stream.next()
  return stream
}

/** Logs in with SCRAM-SHA-1; the stream is to be restarted next. */
export async function authenticate(address: Address, { local, password, domain }: Login): Promise<RawStream> {
  const stream = await openClient(address, domain)
  const bare = `n=${local},r=fyko+d2lbbFgONRv9qkxdawL`
  stream.send(auth('SCRAM-SHA-1', `n,,${bare}`))
  const challenge = await stream.next()
  const { final, serverFinal } = scramProof(password, bare, Buffer.from(challenge.text(), 'base64').toString())
  stream.send(response(final))
  const success = await stream.next()
  if (success.name !== 'success' || Buffer.from(success.text(), 'base64').toString() !== serverFinal)
    throw new Error(`no success: ${success}`)
  return stream
}

/** Logs in, up to the features that offer binding. */
export async function loginUnbound(address: Address, account: Login): Promise<RawStream> {
  const stream = await authenticate(address, account)
  stream.restart(clientHeader(account.domain))
  await stream.next()
  return stream
}

/** Logs in and binds a resource; an empty one leaves the choice to the server. */
export async function login(address: Address, account: Login, resource = ''): Promise<RawStream> {
  const stream = await loginUnbound(address, account)
  const wanted = resource ? `<resource>${resource}</resource>` : ''
  stream.send(`<iq type='set' id='bind'><bind xmlns='${NS.bind}'>${wanted}</bind></iq>`)
  const result = await stream.next()
  stream.jid = result.getChild('bind', NS.bind)?.getChildText('jid') ?? ''
  if (!stream.jid) throw new Error(`not bound: ${result}`)
  return stream
}

/** Connects as a component, through the handshake. */
export async function loginComponent(address: Address, jid: string, secret: string): Promise<RawStream> {
  const stream = await RawStream.open(address)
  stream.send(componentHeader(jid))
  const header = await stream.begun()
  stream.send(`<handshake>${handshakeDigest(attribute(header, 'id') ?? '', secret)}</handshake>`)
  const answer = await stream.next()
  if (answer.name !== 'handshake') throw new Error(`no handshake: ${answer}`)
  stream.jid = jid
  return stream
}
