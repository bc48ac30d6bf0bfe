import { timingSafeEqual } from 'node:crypto'
import type { Socket } from 'node:net'
import { formatJid } from '../core/index.ts'
import { serverStanzaLimits } from '../session/index.ts'
import { attribute, buildHandshake, componentStreamHeader, type Element, handshakeDigest, NS } from '../xep/index.ts'
import { newId, tryJid } from './names.ts'
import { type Fault, type ServerParts, ServerStream } from './server-stream.ts'

/**
 * The server's side of a component's stream: header, handshake, then stanzas from any address at the component's
 * domain. While a component is connected, another connection for it is refused with `conflict`, as Prosody does.
 *
 * @see XEP-0114 §3
 */
export class ComponentStream extends ServerStream {
  readonly #id = newId()
  #jid = ''
  #disconnect: (() => void) | undefined

  constructor(parts: ServerParts, socket: Socket) {
    super(parts, socket, NS.component, { ...serverStanzaLimits, mayCut: false })
  }

  protected override leave(): void {
    if (!this.#disconnect) return
    this.#disconnect()
    this.#disconnect = undefined
    this.parts.tell('componentDisconnected', this.#jid)
  }

  protected override openingTag(): string {
    return componentStreamHeader(this.#jid || this.parts.domain, this.#id)
  }

  protected override begin(header: Element): Fault {
    const address = tryJid(attribute(header, 'to'))
    const jid = address ? formatJid(address) : ''
    if (this.parts.router.componentState(jid) === 'unknown') {
      return { condition: 'host-unknown', text: 'no component is configured for that address' }
    }
    this.#jid = jid
    this.stream.send(this.openingTag())
    return undefined
  }

  protected override negotiate(element: Element): Fault | 'stanza' {
    if (this.#disconnect) return 'stanza'
    const given = Buffer.from(element.is('handshake', NS.component) ? element.text().trim() : '')
    const expected = Buffer.from(handshakeDigest(this.#id, this.parts.secrets.get(this.#jid) ?? ''))
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      return { condition: 'not-authorized', text: 'the handshake does not match' }
    }
    if (this.parts.router.componentState(this.#jid) === 'connected')
      return { condition: 'conflict', text: 'the component is connected already' }
    this.admitted()
    this.#disconnect = this.parts.router.connect(this.#jid, this.stream)
    this.stream.send(buildHandshake())
    this.parts.tell('componentConnected', this.#jid)
    return undefined
  }

  protected override receive(stanza: Element): Fault {
    const from = attribute(stanza, 'from')
    const claimed = tryJid(from)
    if (from === undefined || attribute(stanza, 'to') === undefined) {
      return { condition: 'improper-addressing', text: 'a stanza of a component has a from and a to' }
    }
    if (claimed?.domain !== this.#jid) return { condition: 'invalid-from', text: `this stream is ${this.#jid}` }
    stanza.attrs['from'] = formatJid(claimed)
    this.parts.router.fromComponent(stanza)
    return undefined
  }
}
