// A component that does next to nothing: `PORT JID SECRET`. It answers whoever creates, subscribes or publishes at once, as XEP-0060
// §6.1.2 and §7.1.2 have it, finds the item of a publish by two searches, and glues `to` and `id` into a message that is ready
// otherwise. What it does not reach, the server it stands behind does not carry: it keeps nothing, checks nothing, and knows no XML.

import { Line } from './line.ts'

const [port, jid = '', secret = ''] = process.argv.slice(2)
/** Octets of one write, more or less. */
const BATCH = 64 * 1024

const subscribers = new Map<string, string[]>()
let ids = 0

const attribute = (text: string, name: string): string => new RegExp(`\\s${name}=["']([^"']*)`).exec(text)?.[1] ?? ''

function notify(node: string, item: string): void {
  const head = `<message from='${jid}' type='headline' to='`
  const tail = `'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${node}'>${item}</items></event></message>`
  let batch = ''
  for (const to of subscribers.get(node) ?? []) {
    ids += 1
    batch += `${head}${to}' id='n${ids}${tail}`
    if (batch.length < BATCH) continue
    line.write(batch)
    batch = ''
  }
  line.write(batch)
}

const pubsub = (content: string): string => `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${content}</pubsub>`

/** @returns the payload of the answer */
function take(iq: string, node: string): string {
  if (iq.includes('<publish ')) {
    const item = iq.slice(iq.indexOf('<item '), iq.lastIndexOf('</item>') + '</item>'.length)
    notify(node, item)
    return pubsub(`<publish node='${node}'><item id='${attribute(item, 'id')}'/></publish>`)
  }
  if (!iq.includes('<subscribe ')) return ''
  const those = subscribers.get(node)
  const who = attribute(iq.slice(iq.indexOf('<subscribe ')), 'jid')
  if (those) those.push(who)
  else subscribers.set(node, [who])
  ids += 1
  return pubsub(`<subscription node='${node}' jid='${who}' subid='${ids}' subscription='subscribed'/>`)
}

function answer(iq: string): void {
  const tag = iq.slice(0, iq.indexOf('>'))
  const payload = take(iq, attribute(iq, 'node'))
  line.write(`<iq type='result' from='${jid}' to='${attribute(tag, 'from')}' id='${attribute(tag, 'id')}'>${payload}</iq>`)
}

const line = await Line.dial(Number(port), jid, secret, {
  message() {},
  other(text) {
    if (text.startsWith('<iq')) answer(text)
  },
})
// Whoever started it has gone.
process.stdin.resume().once('end', () => process.exit())
process.stdout.write('ready\n')
