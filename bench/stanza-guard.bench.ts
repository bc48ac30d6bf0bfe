// Question: what does it cost that every octet of every stanza passes the guard before the parser, next to the parser?
// Method: one kind of stanza a race, given as octets in one segment to a StanzaGuard, and as text to the parser that
// follows it. The guard's part includes decoding UTF-8, which somebody would have to do anyway; alone it is shown as well.
// The last race gives a stanza in segments of 100 octets, to the guard and, without one, to the parser.

import { StanzaGuard, serverStanzaLimits } from '../src/session/index.ts'
import { startStreamParser } from '../src/xep/index.ts'
import { race } from './race.ts'

const HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
const activation =
  "<iq from='requester@example.com/foo' id='oqx6t1c9' to='streamer.example.com' type='set'>" +
  "<query xmlns='http://jabber.org/protocol/bytestreams' sid='vxf9n471bn46'><activate>target@example.org/bar</activate></query></iq>"
const block = `<iq from='a@example.com/b' to='c@example.com/d' id='1' type='set'><data xmlns='http://jabber.org/protocol/ibb' seq='0' sid='x'>${'QUJD'.repeat(1365)}</data></iq>`
const disco = `<iq from='example.com' to='a@example.com/b' id='1' type='result'><query xmlns='http://jabber.org/protocol/disco#info'>${"<feature var='http://jabber.org/protocol/disco#info'/>".repeat(50)}</query></iq>`

function openGuard(): StanzaGuard {
  const guard = new StanzaGuard(serverStanzaLimits)
  Array.from(guard.read(Buffer.from(HEADER)))
  return guard
}

function openParser() {
  const parser = startStreamParser({ start: () => {}, element: () => {}, end: () => {} })
  parser.write(HEADER)
  return parser
}

function pass(guard: StanzaGuard, segments: readonly Buffer[]): number {
  let length = 0
  for (const segment of segments) for (const text of guard.read(segment)) length += text.length
  return length
}

for (const [title, stanza] of [
  ['an activation, 217 octets', activation],
  ['a block of IBB, 5.6 kB of text', block],
  ['an answer with 50 features, 2.8 kB of tags', disco],
] as const) {
  const octets = Buffer.from(stanza)
  const guard = openGuard()
  const parser = openParser()
  await race(title, {
    parser: () => parser.write(stanza),
    'guard, decoding included': () => void pass(guard, [octets]),
    'decoding alone': () => void octets.toString(),
  })
}

const fragments = Array.from({ length: Math.ceil(block.length / 100) }, (_, index) => block.slice(100 * index, 100 * (index + 1)))
const segments = fragments.map((fragment) => Buffer.from(fragment))
const guard = openGuard()
const guarded = openParser()
const alone = openParser()
await race('a block of IBB in segments of 100 octets', {
  'parser alone': () => {
    for (const fragment of fragments) alone.write(fragment)
  },
  'guard, then parser': () => {
    for (const segment of segments) for (const text of guard.read(segment)) guarded.write(text)
  },
})
