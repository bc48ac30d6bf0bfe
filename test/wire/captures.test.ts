// Goal: what real clients said to each other while files travelled is understood, every stanza of it, and leads to where it led
// then when one of the clients is ours.
// Method: transfers recorded at the server, stanza by stanza through the parsers, against what happened in them; the Jingle
// ones again with us in either role, over a proxy of ours, with sockets on this machine.

import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { Bytestream } from '../../src/bytestreams/index.ts'
import { computeDstAddr } from '../../src/socks5/index.ts'
import {
  attribute,
  type Element,
  type Jingle,
  type JingleContent,
  NS,
  parseActivate,
  parseBytestreamOffer,
  parseJingle,
  parseSiFile,
  parseStanzaError,
  parseStreamAcceptance,
  parseStreamhosts,
  parseStreamhostUsed,
  parseStreamInitiation,
} from '../../src/xep/index.ts'
import { type Role, replayJingle } from '../helpers/capture-replay.ts'
import { type CapturedStanza, captures, defined, readCapture } from '../helpers/fixtures.ts'
import { Peer } from '../helpers/peer.ts'
import { replayInitiation } from '../helpers/si-replay.ts'

/** What a stanza of a negotiation says, in our words; `undefined` for other stanzas. */
function understand(stanza: Element): string | undefined {
  const payload = stanza.getChildElements()[0]
  if (attribute(stanza, 'type') === 'error') return `error: ${parseStanzaError(stanza).condition}`
  if (payload?.is('si', NS.si)) return initiation(payload)
  if (payload?.is('query', NS.bytestreams)) return bytestream(stanza, payload)
  if (payload?.is('jingle', NS.jingle)) return jingle(payload)
  return undefined
}

function initiation(si: Element): string {
  const method = parseStreamAcceptance(si)
  if (method) return `takes ${method}`
  const { payload, methods } = parseStreamInitiation(si)
  const { name, size, md5 } = parseSiFile(payload)
  return `offers ${name}, ${size} octets${md5 ? `, MD5 ${md5}` : ''}, by ${methods.join(' or ')}`
}

function bytestream(stanza: Element, query: Element): string {
  if (query.getChild('activate')) return `activates for ${parseActivate(query).targetJid}`
  const used = parseStreamhostUsed(query)
  if (used) return `used ${used}`
  const hosts = parseStreamhosts(query).map(({ jid, host, port }) => `${jid} at ${host}:${port}`)
  if (attribute(stanza, 'type') === 'result') return `is ${hosts.join(', ')}`
  return hosts.length > 0 ? `offers ${parseBytestreamOffer(query).mode} ${hosts.join(', ')}` : 'asks for the address'
}

function content({ creator, senders, description, transport }: JingleContent): string {
  const parts: (string | undefined)[] = [creator, senders]
  if (description?.kind === 'file') parts.push(description.file.name, String(description.file.size))
  if (transport?.kind === 'socks5') {
    parts.push(...transport.candidates.map(({ type, jid, host, port, priority }) => `${type} ${jid} ${host}:${port} ${priority}`))
    if (transport.info) parts.push(JSON.stringify(transport.info))
  }
  return parts.join(' ')
}

function jingle(payload: Element): string {
  const { action, contents, reason } = parseJingle(payload)
  return `${action} ${contents.map(content).join()}${reason?.condition ?? ''}`
}

/** Who says what: the clients alone, as the server repeats them and its own answers are in every capture. */
function conversation(stanzas: readonly CapturedStanza[]): readonly string[] {
  return stanzas.flatMap(({ client, way, stanza }) => {
    const words = way === 'sent' ? understand(stanza) : undefined
    return words ? [`${client.split('@')[0]} ${words}`] : []
  })
}

const PROXY = 'proxy.localhost at 127.0.0.1:5465'
const initiated = (client: string, offer: string, streamhosts: string) => [
  `alice offers ${offer}`,
  `bob takes ${NS.bytestreams}`,
  ...(client === 'psi' || client === 'qxmpp' ? ['alice asks for the address'] : []),
  `alice offers tcp ${streamhosts}`,
  'bob used proxy.localhost',
  `alice activates for bob@localhost/${client === 'qxmpp' ? 'slixmpp' : 'purple'}`,
]
const both = `by ${NS.bytestreams} or ${NS.inBand}`
const asked = ['bob asks for the address', 'alice asks for the address']

/** Each transfer, in our words. */
const conversations: Readonly<Record<string, readonly string[]>> = {
  'libpurple-to-libpurple-si-s5b-prosody': [
    ...asked,
    ...initiated('purple', `sent-2000003.bin, 2000003 octets, ${both}`, `alice@localhost/purple at 192.0.2.10:39273, ${PROXY}`),
  ],
  'libpurple-to-libpurple-si-s5b-ejabberd': [
    ...asked,
    ...initiated(
      'purple',
      `sent-2000003.bin, 2000003 octets, ${both}`,
      'alice@localhost/purple at 192.0.2.10:45395, proxy.localhost at 127.0.0.1:5435',
    ),
  ],
  'psi-to-libpurple-si-s5b-prosody': [
    'bob asks for the address',
    ...initiated('psi', `upload.bin, 2000003 octets, ${both}`, `alice@localhost/psi at 127.0.0.1:8010, ${PROXY}`),
  ],
  'qxmpp-to-slixmpp-si-s5b-prosody': initiated(
    'qxmpp',
    `sent-2000003.bin, 2000003 octets, MD5 c3e8f6f604f2dc866f6161d3dbe44fc5, by ${NS.bytestreams}`,
    PROXY,
  ),
  'gajim-to-dino-jingle-s5b-prosody': [
    'bob asks for the address',
    'alice asks for the address',
    'alice session-initiate initiator initiator sent-2000003.bin 2000003 direct alice@localhost/gajim 127.0.0.1:28011 8257536 proxy proxy.localhost 127.0.0.1:5465 655360',
    'bob session-accept initiator initiator sent-2000003.bin 2000003 proxy proxy.localhost 127.0.0.1:5465 688128',
    'bob transport-info initiator  {"used":"d3bf2606-b173-4dfe-a92b-6639ddde196f"}',
    'alice transport-info initiator initiator {"error":"candidate"}',
    'alice activates for bob@localhost/dino',
    'alice transport-info initiator  {"activated":"d3bf2606-b173-4dfe-a92b-6639ddde196f"}',
    'bob session-terminate success',
  ],
  'dino-to-dino-jingle-s5b-prosody': [
    'bob asks for the address',
    'alice asks for the address',
    'alice session-initiate initiator initiator upload.bin 2000003 proxy proxy.localhost 127.0.0.1:5465 688128',
    'bob session-accept initiator initiator upload.bin 2000003 proxy proxy.localhost 127.0.0.1:5465 688128',
    'bob transport-info initiator  {"used":"eecea151-0e63-4ed6-a8af-5b930d1bc032"}',
    'alice transport-info initiator  {"used":"09214f2b-51e8-4317-a4ef-0b72aa043bf2"}',
    'alice activates for bob@localhost/dino',
    'alice transport-info initiator  {"activated":"eecea151-0e63-4ed6-a8af-5b930d1bc032"}',
    'bob session-terminate success',
  ],
}

test('every capture there is has its conversation', (t) => {
  t.deepEqual([...captures].sort(), Object.keys(conversations).sort())
})

for (const name of captures) {
  test(`${name}: what the clients say is understood`, (t) => {
    t.deepEqual(conversation(readCapture(name)), conversations[name])
  })

  test(`${name}: what a server passes on says the same as what was sent`, (t) => {
    const said = (way: string) =>
      readCapture(name).flatMap(({ stanza, ...of }) => {
        const isBetweenClients = [attribute(stanza, 'from'), attribute(stanza, 'to')].every((jid) => jid === undefined || jid.includes('@'))
        const words = of.way === way && isBetweenClients ? understand(stanza) : undefined
        return words ? [words] : []
      })
    t.deepEqual(said('received'), said('sent'))
    t.true(said('sent').length >= 4)
  })
}

test('what proxies and servers answer is understood', (t) => {
  const answers = captures.flatMap((name) =>
    readCapture(name).flatMap(({ way, stanza }) => {
      const isOfServer = way === 'received' && !attribute(stanza, 'from')?.includes('@')
      return (isOfServer && understand(stanza)) || []
    }),
  )
  t.deepEqual([...new Set(answers)].sort(), [
    'error: remote-server-timeout',
    `is ${PROXY}`,
    'is proxy.localhost/70306884 at 127.0.0.1:5435',
  ])
})

test('a DST.ADDR in a transport is that of the offerer and the other (XEP-0260 §2.2)', (t) => {
  const found: string[] = []
  for (const name of captures) {
    for (const { way, stanza } of readCapture(name)) {
      const payload = stanza.getChild('jingle', NS.jingle)
      const transport = payload && way === 'received' ? parseJingle(payload).contents[0]?.transport : undefined
      if (transport?.kind !== 'socks5' || !transport.dstAddr) continue
      const { from, to } = stanza.attrs
      t.is(transport.dstAddr, computeDstAddr(transport.sid, from, to), name)
      found.push(name)
    }
  }
  t.is(found.length, 3)
})

test('the file an acceptance repeats is the one that was offered', (t) => {
  for (const name of captures.filter((one) => one.includes('jingle'))) {
    const files = readCapture(name).flatMap(({ way, stanza }) => {
      const payload = stanza.getChild('jingle', NS.jingle)
      const description = payload && way === 'sent' ? parseJingle(payload).contents[0]?.description : undefined
      return description?.kind === 'file' ? [defined(description.file)] : []
    })
    t.is(files.length, 2)
    t.deepEqual(files[0], files[1])
  }
})

/** What a step is for. Which of our candidates it is about, and what else we offer, is ours to choose. */
function purpose({ action, contents, reason }: Jingle) {
  return {
    action,
    contents: contents.map(({ creator, name, description, transport }) => {
      const info = transport?.kind === 'socks5' && transport.info
      return { creator, name, description: defined(description), transport: transport?.kind, isActivated: info && 'activated' in info }
    }),
    reason: defined(reason),
  }
}

/** A word each way over a stream that is open; what is open belongs to those who use it. */
async function converse(t: ExecutionContext, bytestream: Bytestream | Promise<Bytestream>, peer: Peer): Promise<void> {
  peer.write('ping')
  const { stream, totals, method } = await bytestream
  t.is(method, 'proxy')
  const ours = new Peer(stream as Socket)
  t.is(String(await ours.read(4)), 'ping')
  ours.write('pong!')
  t.is(String(await peer.read(5)), 'pong!')
  ours.end()
  peer.end()
  t.like(await totals, { received: 4, sent: 5, end: 'closed' })
}

const replays = test.macro({
  async exec(t, name: string, role: Role) {
    const { session, said, recorded, clock, repeat } = await replayJingle(t, name, role, (bytestream, peer) =>
      converse(t, bytestream, peer),
    )
    t.deepEqual(said.map(purpose), recorded.map(purpose))
    t.deepEqual(defined(await session.ended), { by: role === 'initiator' ? 'peer' : 'us', reason: { condition: 'success' } })
    t.is(session.state, 'ended')
    const [content, ...others] = session.contents
    t.deepEqual(others, [])
    t.like(content, { senders: 'initiator', state: 'accepted' })
    t.deepEqual(content?.answer, content?.description)
    t.is(await repeat('transport-info'), 'unknown-session')
    t.is(clock.waiting, 0)
  },
  title: (_, name, role) => `${name}, with us as the ${role}: the same is said, octets pass, and both ends are what they were`,
})

/** What an offer or an answer of stream initiation is for; which streamhosts we offer before the proxy is ours to choose. */
function meaning(payload: Element) {
  const hosts = parseStreamhosts(payload).map(({ jid }) => jid.split('/')[0])
  const words = payload.is('si') ? initiation(payload) : (parseStreamhostUsed(payload)?.split('/')[0] ?? hosts.at(-1))
  return { words, sid: payload.attrs['id'] ?? payload.attrs['sid'] }
}

const replaysInitiation = test.macro({
  async exec(t, name: string, role: Role) {
    const { bytestream, said, recorded, peer, clock } = await replayInitiation(t, name, role)
    t.deepEqual(
      said.map((payload) => meaning(payload).words),
      recorded.map((payload) => meaning(payload).words),
    )
    if (role === 'initiator') t.deepEqual(said.map(meaning), recorded.map(meaning))
    await converse(t, bytestream, peer)
    t.is(clock.waiting, 0)
  },
  title: (_, name, role) => `${name}, with us as the ${role}: the same is said, and octets pass`,
})

for (const name of captures) {
  for (const role of ['initiator', 'responder'] as const) test(name.includes('jingle') ? replays : replaysInitiation, name, role)
}
