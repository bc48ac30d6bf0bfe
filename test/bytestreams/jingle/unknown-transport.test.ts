import test from 'ava'
import { JingleSessions } from '../../../src/bytestreams/index.ts'
import { silentLogger } from '../../../src/core/index.ts'
import { buildIq, buildJingle, type Jingle, NS, parseStanzaError, xml } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { until } from '../../helpers/peer.ts'
import { scriptSession } from '../../helpers/scripted-session.ts'

const peer = 'romeo@montague.lit/orchard'
const jid = 'juliet@capulet.lit/balcony'
const content = { creator: 'initiator', name: 'a', senders: 'initiator' } as const
const description = { kind: 'file', file: { name: 'a.txt', size: 1, hashes: [], hashUsed: [] } } as const
const transport = { kind: 'socks5', sid: 'b', candidates: [] } as const

test('a transport-info about a transport nobody knows is not supported, and changes nothing (XEP-0166 §6.8)', async (t) => {
  const clock = new FakeClock()
  const { session, sent, receive } = await scriptSession(t, clock, jid, () => undefined)
  const begun: string[] = []
  JingleSessions.of({ session, clock, logger: silentLogger }).handle('file', ({ sid }) => void begun.push(sid))
  const say = async (id: string, step: Pick<Jingle, 'action' | 'contents'>) => {
    receive(buildIq({ type: 'set', id, from: peer, to: jid }, buildJingle({ sid: 's', ...step })))
    const find = () => sent.find(({ attrs }) => attrs['id'] === id)
    await until(() => find() !== undefined)
    return find() ?? xml('iq')
  }
  t.is((await say('1', { action: 'session-initiate', contents: [{ ...content, description, transport }] })).attrs['type'], 'result')
  t.deepEqual(begun, ['s'])
  const unknown = { ...content, transport: { kind: 'unknown', xmlns: 'urn:xmpp:jingle:transports:ice-udp:1' } } as const
  const { stanzaError } = parseStanzaError(await say('2', { action: 'transport-info', contents: [unknown] }))
  t.deepEqual(stanzaError, {
    type: 'modify',
    condition: 'feature-not-implemented',
    application: ['unsupported-info', 'urn:xmpp:jingle:errors:1'],
  })
  const known = { ...content, transport: { ...transport, info: { error: 'candidate' } } } as const
  t.is((await say('3', { action: 'transport-info', contents: [known] })).attrs['type'], 'result')
  t.is((await say('4', { action: 'session-info', contents: [] })).attrs['type'], 'result')
  t.is(sent.filter((stanza) => stanza.getChild('jingle', NS.jingle)).length, 0)
})
