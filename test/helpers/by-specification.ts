import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { Element } from '../../src/xep/index.ts'
import { login, type RawStream } from './raw-client.ts'
import { connectToStreamhost, listenRaw, take } from './raw-socks5.ts'
import type { embedded } from './server.ts'

// A client that was written from the specifications alone, in raw XML: XEP-0358, XEP-0137, and as much of XEP-0234, 0260, 0261, 0096, 0065 and
// 0047 as they need.

const JINGLE = 'urn:xmpp:jingle:1'
const FILE = 'urn:xmpp:jingle:apps:file-transfer:5'
const S5B = 'urn:xmpp:jingle:transports:s5b:1'
const JINGLE_IBB = 'urn:xmpp:jingle:transports:ibb:1'
const SI = 'http://jabber.org/protocol/si'
const SI_FILE = 'http://jabber.org/protocol/si/profile/file-transfer'
const BYTESTREAMS = 'http://jabber.org/protocol/bytestreams'
const IBB = 'http://jabber.org/protocol/ibb'

/** How octets travel: XEP-0065 and 0260, or XEP-0047 and 0261. */
export type HandMethod = 'direct' | 'ibb'

/** `<start/>` and `<starting/>`, by protocol. */
const namespaces = { jingle: 'urn:xmpp:jinglepub:1', si: 'http://jabber.org/protocol/sipub' } as const
type HandProtocol = keyof typeof namespaces

/** XEP-0065 §5.3.2 */
const dstAddrOf = (sid: string, requester: string, target: string) => createHash('sha1').update(`${sid}${requester}${target}`).digest('hex')

const named = (stanza: Element, name: string, xmlns: string) => stanza.getChild(name, xmlns)
const read = (element: Element | undefined, attribute: string) => String(element?.attrs[attribute] ?? '')

/** A question somebody has asked, and how to answer it. */
interface Asked {
  readonly iq: Element
  readonly from: string
  readonly payload: Element
}

export class HandClient {
  readonly jid: string
  readonly #t: ExecutionContext
  readonly #stream: RawStream
  readonly #answers = new Map<string, (answer: Element) => void>()
  readonly #asked: Asked[] = []
  readonly #waiting = new Set<() => void>()
  #ids = 0
  #held: string[] | undefined

  private constructor(t: ExecutionContext, stream: RawStream) {
    this.#t = t
    this.#stream = stream
    this.jid = stream.jid
    t.teardown(() => stream.destroy())
    void this.#read().catch(() => {}) // The stream has ended with the test.
  }

  static async logIn(t: ExecutionContext, server: Awaited<ReturnType<typeof embedded.start>>, local: string): Promise<HandClient> {
    return new HandClient(t, await login(server.client, { ...server.account(local), domain: server.domain }))
  }

  async #read(): Promise<void> {
    for (;;) {
      const stanza = await this.#stream.next()
      if (stanza.name !== 'iq') continue
      const type = read(stanza, 'type')
      if (type === 'result' || type === 'error') this.#answers.get(read(stanza, 'id'))?.(stanza)
      else {
        const asked = { iq: stanza, from: read(stanza, 'from'), payload: stanza.getChildElements()[0] as Element }
        // What needs no decision of ours is acknowledged at once.
        if (asked.payload.is('jingle', JINGLE) || asked.payload.is('close', IBB)) this.answer(asked)
        this.#asked.push(asked)
      }
      for (const look of this.#waiting) look()
    }
  }

  say(stanza: string): void {
    if (this.#held) this.#held.push(stanza)
    else this.#stream.send(stanza)
  }

  /** Says all that `speak` says in one chunk. */
  together<T>(speak: () => T): T {
    this.#held = []
    const spoken = speak()
    this.#stream.send(this.#held.join(''))
    this.#held = undefined
    return spoken
  }

  /** @returns the answer, result or error */
  ask(type: 'get' | 'set', to: string, payload: string): Promise<Element> {
    this.#ids += 1
    const id = `hand-${this.#ids}`
    return new Promise((resolve) => {
      this.#answers.set(id, resolve)
      this.say(`<iq type='${type}' id='${id}' to='${to}'>${payload}</iq>`)
    })
  }

  /** @throws Error for anything but a result */
  async asked(type: 'get' | 'set', to: string, payload: string): Promise<Element> {
    const answer = await this.ask(type, to, payload)
    if (read(answer, 'type') !== 'result') throw new Error(`no result: ${answer}`)
    return answer
  }

  answer({ iq, from }: Asked, payload = '', type: 'result' | 'error' = 'result'): void {
    this.say(`<iq type='${type}' id='${read(iq, 'id')}' to='${from}'>${payload}</iq>`)
  }

  /** The next question of a kind; what was asked before it waits for whoever expects that. */
  next(name: string, xmlns: string, isIt: (payload: Element) => boolean = () => true): Promise<Asked> {
    return this.#nextOf((payload) => payload.is(name, xmlns) && isIt(payload))
  }

  async #nextOf(isIt: (payload: Element) => boolean): Promise<Asked> {
    for (;;) {
      const at = this.#asked.findIndex(({ payload }) => isIt(payload))
      const [found] = at < 0 ? [] : this.#asked.splice(at, 1)
      if (found) return found
      await new Promise<void>((resolve) => {
        const look = () => {
          this.#waiting.delete(look)
          resolve()
        }
        this.#waiting.add(look)
      })
    }
  }

  /** The next step of a Jingle session. */
  async step(action: string, sid: string, isIt: (jingle: Element) => boolean = () => true): Promise<Element> {
    const is = (jingle: Element) => read(jingle, 'action') === action && read(jingle, 'sid') === sid && isIt(jingle)
    return (await this.next('jingle', JINGLE, is)).payload
  }

  /** "A potential receiver requests initiation of the session": the sid, or the answer where that is an error. */
  async start(protocol: HandProtocol, to: string, id: string): Promise<string | Element> {
    const xmlns = namespaces[protocol]
    const answer = await this.ask('get', to, `<start xmlns='${xmlns}' id='${id}'/>`)
    return read(answer, 'type') === 'error' ? answer : read(named(answer, 'starting', xmlns), 'sid')
  }

  /** "If the sender accepts the request": who asked, and for what. */
  async started(protocol: HandProtocol, sid: string): Promise<{ readonly from: string; readonly id: string }> {
    const asked = await this.next('start', namespaces[protocol])
    this.answer(asked, `<starting xmlns='${namespaces[protocol]}' sid='${sid}'/>`)
    return { from: asked.from, id: read(asked.payload, 'id') }
  }

  /** Takes a file the other side initiates a Jingle session for. */
  async takeByJingle(from: string, sid: string): Promise<Buffer> {
    const initiated = await this.step('session-initiate', sid)
    const content = initiated.getChild('content') as Element
    const name = read(content, 'name')
    const file = content.getChild('description', FILE)?.getChild('file')
    const size = Number(file?.getChildText('size'))
    const [transport] = content.getChildElements().filter((each) => each.name === 'transport') as [Element]
    const jingle = (action: string, inside: string) =>
      this.asked('set', from, `<jingle xmlns='${JINGLE}' action='${action}' sid='${sid}'>${inside}</jingle>`)
    const own = (inside: string) => `<content creator='initiator' name='${name}'>${inside}</content>`
    const description = `<description xmlns='${FILE}'>${file}</description>`
    const streamSid = read(transport, 'sid')
    let octets: Buffer
    if (transport.is('transport', S5B)) {
      const s5b = (inside: string) => own(`<transport xmlns='${S5B}' sid='${streamSid}'>${inside}</transport>`)
      await jingle('session-accept', own(`${description}<transport xmlns='${S5B}' sid='${streamSid}' mode='tcp'/>`))
      const candidate = transport.getChild('candidate') as Element
      const at = { host: read(candidate, 'host'), port: Number(read(candidate, 'port')) }
      const socket = await connectToStreamhost(this.#t, at, dstAddrOf(streamSid, from, this.jid))
      await jingle('transport-info', s5b(`<candidate-used cid='${read(candidate, 'cid')}'/>`))
      await this.step('transport-info', sid, (payload) => /candidate-error/.test(String(payload))) // We have offered none.
      octets = await take(socket, size)
      socket.end()
    } else {
      const blockSize = read(transport, 'block-size')
      await jingle('session-accept', own(`${description}<transport xmlns='${JINGLE_IBB}' sid='${streamSid}' block-size='${blockSize}'/>`))
      octets = await this.#takeInBand(streamSid)
    }
    const hash = await this.step('session-info', sid, (payload) => payload.getChild('checksum', FILE) !== undefined)
    if (!String(hash).includes(createHash('sha256').update(octets).digest('base64'))) throw new Error(`another hash: ${hash}`)
    await jingle('session-info', `<received xmlns='${FILE}' creator='initiator' name='${name}'/>`)
    await jingle('session-terminate', '<reason><success/></reason>')
    return octets
  }

  /** Takes a file the other side initiates a stream for. */
  async takeBySi(from: string, sid: string): Promise<Buffer> {
    const offer = await this.next('si', SI, (si) => read(si, 'id') === sid)
    const size = Number(read(named(offer.payload, 'file', SI_FILE), 'size'))
    const method = String(offer.payload).includes(`<value>${BYTESTREAMS}</value>`) ? BYTESTREAMS : IBB
    this.answer(offer, `<si xmlns='${SI}'>${streamMethod('submit', `<value>${method}</value>`)}</si>`)
    if (method === IBB) return await this.#takeInBand(sid)
    const query = await this.next('query', BYTESTREAMS, (payload) => read(payload, 'sid') === sid)
    const streamhost = query.payload.getChild('streamhost') as Element
    const at = { host: read(streamhost, 'host'), port: Number(read(streamhost, 'port')) }
    const socket = await connectToStreamhost(this.#t, at, dstAddrOf(sid, from, this.jid))
    this.answer(query, `<query xmlns='${BYTESTREAMS}' sid='${sid}'><streamhost-used jid='${read(streamhost, 'jid')}'/></query>`)
    const octets = await take(socket, size)
    socket.end()
    return octets
  }

  /** Sends a file in a Jingle session. @returns the file as the other side has accepted it */
  async giveByJingle(to: string, sid: string, content: Buffer, method: HandMethod): Promise<Element | undefined> {
    const description =
      `<description xmlns='${FILE}'><file><name>by hand.bin</name><size>${content.length}</size>` +
      `<media-type>application/octet-stream</media-type><range/></file></description>`
    const jingle = (action: string, inside: string) =>
      this.asked('set', to, `<jingle xmlns='${JINGLE}' action='${action}' initiator='${this.jid}' sid='${sid}'>${inside}</jingle>`)
    const own = (inside: string) => `<content creator='initiator' name='a-file-offer' senders='initiator'>${inside}</content>`
    const streamSid = `${sid}-stream`
    const streamhost = await listenRaw(this.#t)
    const candidate =
      `<candidate cid='hft54dqy' host='${streamhost.host}' port='${streamhost.port}' jid='${this.jid}' ` +
      `priority='8257636' type='direct'/>`
    const s5b = (inside: string) => own(`<transport xmlns='${S5B}' sid='${streamSid}'>${inside}</transport>`)
    const inBand = `<transport xmlns='${JINGLE_IBB}' sid='${streamSid}' block-size='4096'/>`
    const transport = method === 'ibb' ? inBand : `<transport xmlns='${S5B}' sid='${streamSid}' mode='tcp'>${candidate}</transport>`
    await jingle('session-initiate', own(`${description}${transport}`))
    const accepted = await this.step('session-accept', sid)
    const file = accepted.getChild('content')?.getChild('description', FILE)?.getChild('file')
    const rest = content.subarray(Number(read(file?.getChild('range'), 'offset')))
    if (method === 'ibb') await this.#giveInBand(to, streamSid, rest)
    else {
      await jingle('transport-info', s5b('<candidate-error/>')) // We look at none of theirs.
      await this.step('transport-info', sid, (payload) => /candidate-used/.test(String(payload)))
      const { socket } = await streamhost.next()
      socket.end(rest)
    }
    await this.step('session-info', sid, (payload) => payload.getChild('received', FILE) !== undefined)
    await this.step('session-terminate', sid, (payload) => payload.getChild('reason')?.getChild('success') !== undefined)
    return file
  }

  /** Initiates a stream, and sends a file over it. */
  async giveBySi(to: string, sid: string, content: Buffer, method: HandMethod): Promise<void> {
    const option = method === 'ibb' ? IBB : BYTESTREAMS
    const offer =
      `<si xmlns='${SI}' id='${sid}' profile='${SI_FILE}' mime-type='application/octet-stream'>` +
      `<file xmlns='${SI_FILE}' name='by hand.bin' size='${content.length}' hash='${createHash('md5').update(content).digest('hex')}'/>` +
      `${streamMethod('form', `<option><value>${option}</value></option>`)}</si>`
    const accepted = await this.asked('set', to, offer)
    if (!String(accepted).includes(`<value>${option}</value>`)) throw new Error(`another method: ${accepted}`)
    if (method === 'ibb') return await this.#giveInBand(to, sid, content)
    const { host, port, next } = await listenRaw(this.#t)
    const streamhost = `<streamhost jid='${this.jid}' host='${host}' port='${port}'/>`
    const used = await this.asked('set', to, `<query xmlns='${BYTESTREAMS}' sid='${sid}' mode='tcp'>${streamhost}</query>`)
    if (!String(used).includes('streamhost-used')) throw new Error(`no streamhost: ${used}`)
    const { socket, dstAddr } = await next()
    this.#t.is(dstAddr, dstAddrOf(sid, this.jid, to))
    await ended(socket, content)
  }

  async #takeInBand(sid: string): Promise<Buffer> {
    this.answer(await this.next('open', IBB, (open) => read(open, 'sid') === sid))
    const blocks: Buffer[] = []
    for (;;) {
      const next = await this.#nextOf((payload) => payload.getNS() === IBB && read(payload, 'sid') === sid)
      if (next.payload.name === 'close') return Buffer.concat(blocks)
      this.answer(next)
      if (Number(read(next.payload, 'seq')) !== blocks.length) throw new Error(`out of order: ${next.payload}`)
      blocks.push(Buffer.from(next.payload.text(), 'base64'))
    }
  }

  async #giveInBand(to: string, sid: string, content: Buffer): Promise<void> {
    await this.asked('set', to, `<open xmlns='${IBB}' sid='${sid}' block-size='4096' stanza='iq'/>`)
    for (let seq = 0; seq * 4096 < content.length; seq++) {
      const block = content.subarray(seq * 4096, (seq + 1) * 4096)
      await this.asked('set', to, `<data xmlns='${IBB}' sid='${sid}' seq='${seq}'>${block.toString('base64')}</data>`)
    }
    await this.asked('set', to, `<close xmlns='${IBB}' sid='${sid}'/>`)
  }
}

/** XEP-0020 in XEP-0095 §3.2. */
const streamMethod = (type: 'form' | 'submit', inside: string) =>
  `<feature xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' type='${type}'>` +
  `<field var='stream-method'${type === 'form' ? " type='list-single'" : ''}>${inside}</field></x></feature>`

/** Sends all of it, and waits until the other side has closed properly. */
async function ended(socket: Socket, content: Buffer): Promise<void> {
  socket.end(content)
  socket.resume()
  await once(socket, 'end')
}
