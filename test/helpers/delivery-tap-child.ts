// Stands between a publish-subscribe service of ours and its server, and tells, a line of JSON each, what it sees go by of messages that
// waited in queues: handed over, and acknowledged. Told where the server is by its arguments. Started by delivery-tap.ts.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { bareJid } from '../../src/core/index.ts'
import { StanzaGuard } from '../../src/session/index.ts'
import {
  attribute,
  type Element,
  NS,
  parseAcknowledgement,
  parseDelivery,
  parseNotification,
  startStreamParser,
} from '../../src/xep/index.ts'
import type { DeliveryFact } from './delivery-tap.ts'

const [, , host = '', port = ''] = process.argv
const LIMITS = { stanzaBytesMax: 1024 * 1024, stanzaDepthMax: 64 }

const tell = (fact: DeliveryFact) => void process.stdout.write(`${JSON.stringify(fact)}\n`)

/** @returns what is fed with the octets of one direction */
function stanzasIn(onStanza: (stanza: Element) => void): (octets: Buffer) => void {
  const guard = new StanzaGuard(LIMITS)
  const parser = startStreamParser({ start: () => {}, element: onStanza, end: () => {} })
  return (octets) => {
    for (const text of guard.read(octets)) parser.write(text)
  }
}

const server = createServer({ noDelay: true }, (service) => {
  const far = connect({ host, port: Number(port), noDelay: true })
  /** Acknowledgements that have not been answered, by whom and by the id of the question. */
  const asked = new Map<string, readonly number[]>()
  const keyOf = (jid: string, stanza: Element) => JSON.stringify([jid, attribute(stanza, 'id')])
  const fromService = stanzasIn((stanza) => {
    const to = attribute(stanza, 'to') ?? ''
    const account = bareJid(to)
    const message = parseDelivery(stanza)
    const event = message === undefined ? undefined : parseNotification(stanza)?.event
    if (message !== undefined && event?.kind === 'items') {
      tell({ fact: 'handed', account, message, offers: event.items.map(({ id = '' }) => id) })
    }
    if (!stanza.is('iq') || attribute(stanza, 'type') !== 'result') return
    const key = keyOf(to, stanza)
    for (const each of asked.get(key) ?? []) tell({ fact: 'answered', account, message: each })
    asked.delete(key)
  })
  const toService = stanzasIn((stanza) => {
    const payload = stanza.is('iq') ? stanza.getChild('ack', NS.feeds) : undefined
    if (!payload) return
    const from = attribute(stanza, 'from') ?? ''
    const messages = parseAcknowledgement(payload)
    asked.set(keyOf(from, stanza), messages)
    for (const message of messages) tell({ fact: 'acknowledged', account: bareJid(from), message })
  })
  for (const [one, other, read] of [
    [service, far, fromService],
    [far, service, toService],
  ] as const) {
    one.on('data', read).on('error', () => other.destroy())
    // What was on its way still arrives, as it does where nobody stands in between.
    one.pipe(other)
  }
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
