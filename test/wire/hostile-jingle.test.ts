// Goal: whatever a peer sends about Jingle sessions, every question has one answer, and nothing of it stays when the peer has gone.
// Method: steps in order and out of order, for two sids and two contents, whole and with one thing wrong in them, to an account
// that accepts files over the transports there are; nothing can be connected to, and the clock stands still.

import test from 'ava'
import fc from 'fast-check'
import { InBandTarget, JingleSessions, jingleTransport, ProxyFinder } from '../../src/bytestreams/index.ts'
import { BytestreamError, silentLogger } from '../../src/core/index.ts'
import {
  attribute,
  buildIq,
  buildJingle,
  buildPresence,
  type Element,
  type Jingle,
  type JingleContent,
  NS,
  parseJingle,
  parseStanzaError,
} from '../../src/xep/index.ts'
import { announcing } from '../helpers/announcing.ts'
import { sent } from '../helpers/elements.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { broken, jingles } from '../helpers/jingle.ts'
import { until } from '../helpers/peer.ts'
import { scriptSession, stanzaError } from '../helpers/scripted-session.ts'
import { settle } from '../helpers/settle.ts'

const jid = 'juliet@capulet.lit/balcony'
const peers = ['romeo@montague.lit/orchard', 'paris@verona.lit/street']

/** A content of one of two names, at an address that is refused before anything is connected. */
function narrowed(content: JingleContent, name: string): JingleContent {
  const { transport } = content
  if (transport?.kind !== 'socks5') return { ...content, name }
  return { ...content, name, transport: { ...transport, candidates: transport.candidates.map((one) => ({ ...one, host: '127.0.0.1' })) } }
}

const file = { kind: 'file', file: { name: 'a', size: 1, hashes: [], hashUsed: [] } } as const
const socks5 = { kind: 'socks5', sid: 's', candidates: [] } as const

const steps = fc.tuple(jingles, fc.constantFrom('a', 'b'), fc.constantFrom('n', 'm')).map(([jingle, sid, name]): Jingle => {
  return { ...jingle, sid, contents: jingle.contents.slice(0, 1).map((content) => narrowed(content, name)) }
})
/** Offers that are in order, of any transport. */
const offers = steps.map(({ contents: [said], ...jingle }): Jingle => {
  const transport = said?.transport ?? socks5
  const content = { creator: 'initiator', name: said?.name ?? 'n', senders: 'initiator', description: file, transport } as const
  return { ...jingle, action: 'session-initiate', contents: [content] }
})
/** What may accept our own. */
const acceptances = offers.map(({ contents, ...jingle }): Jingle => {
  return { ...jingle, action: 'session-accept', sid: 'b', contents: contents.map((content) => ({ ...content, name: 'n' })) }
})
const questions = fc.oneof(
  { weight: 2, arbitrary: offers.map(buildJingle) },
  { weight: 1, arbitrary: acceptances.map(buildJingle) },
  { weight: 4, arbitrary: steps.map(buildJingle) },
  { weight: 1, arbitrary: broken(steps) },
)

/** What the answers of an account may say: the errors of XEP-0166 §6.3.2, §7.2 and §10, and that for what is no Jingle any more. */
const CONDITIONS: readonly string[] = [
  ...['bad-request', 'conflict', 'feature-not-implemented', 'item-not-found', 'not-acceptable', 'resource-constraint'],
  ...['service-unavailable', 'unexpected-request'],
]

/** A question about "b", and about its transport where it has one of that kind, as one about a session of ours. */
function aboutOurs(payload: Element, { sid, contents: [content] }: Jingle): Element {
  if (payload.attrs['sid'] !== 'b') return payload
  payload.attrs['sid'] = sid
  for (const { attrs, name } of payload.getChildElements().flatMap((child) => child.getChildElements())) {
    if (name === 'transport' && attrs['xmlns'] === NS.jingleSocks5 && content?.transport?.kind === 'socks5')
      attrs['sid'] = content.transport.sid
  }
  return payload
}

test('any actions in any order are answered each, and leave nothing behind', async (t) => {
  const heard = new Set<string>()
  let [begun, accepted] = [0, 0]
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(questions, fc.constantFrom(...peers)), { minLength: 5, maxLength: 15 }), async (asked) => {
      const clock = new FakeClock()
      let own: Jingle | undefined
      const account = await scriptSession(t, clock, jid, ({ payload }) => {
        if (!payload.is('jingle')) throw stanzaError('item-not-found')
        const said = parseJingle(sent(payload)) // Whatever we say ourselves is in order.
        if (said.action === 'session-initiate') own = said
        return undefined
      })
      const basics = { session: account.session, clock, logger: silentLogger, ...announcing(account.session) }
      const proxies = new ProxyFinder(account.session, clock, silentLogger)
      const components = { ...basics, proxies, inBand: new InBandTarget(basics), mayConnect: () => false }
      const transport = jingleTransport(components, { ownHosts: [] })
      const ends: Promise<unknown>[] = []
      const sessions = JingleSessions.of(basics)
      sessions.handle('file', (session) => {
        begun++
        ends.push(session.ended)
        session.on('info', () => {})
        const answers = session.contents.filter(({ description }) => description.kind === 'file').map((content) => ({ content, transport }))
        session.on('contentOffered', (content) => void session.acceptContent({ content, transport }).catch(isCoded))
        session.accept(answers).catch(isCoded)
      })
      const isCoded = (error: unknown) => {
        if (!(error instanceof BytestreamError)) t.fail(String(error))
      }
      // One session is ours, and "b" is what its peer calls it.
      const [peer = ''] = peers
      const ours = await sessions.begin({ peer, contents: [{ name: 'n', senders: 'initiator', description: file, transport }] })
      ends.push(ours.ended)
      ours.on('accepted', () => void accepted++)
      for (const [at, [payload, from]] of asked.entries()) {
        const question = from === peer && own ? aboutOurs(payload, own) : payload
        account.receive(sent(buildIq({ type: 'set', id: `q${at}`, from, to: jid }, question)))
        await settle()
      }
      const answersTo = (at: number) => account.sent.filter(({ attrs }) => attrs['id'] === `q${at}`)
      await until(() => asked.every((_, at) => answersTo(at).length > 0))
      for (const [at] of asked.entries()) {
        const [answer, ...others] = answersTo(at)
        t.deepEqual(others, [])
        const condition = conditionOf(answer as Element)
        if (condition) heard.add(condition)
      }
      for (const from of peers) account.receive(buildPresence({ type: 'unavailable', from, to: jid }))
      await Promise.all(ends)
      for (let turn = 0; turn < 50 && clock.waiting > 0; turn++) await settle()
      if (clock.waiting > 0) throw new Error('something is still waited for')
      await account.session.stop()
    }),
    { numRuns: 200 },
  )
  t.deepEqual(
    [...heard].filter((condition) => !CONDITIONS.includes(condition)),
    [],
  )
  t.true(heard.size >= 4, [...heard].join())
  t.true(begun > 100, `${begun} sessions`)
  t.true(accepted > 10, `${accepted} of ours were accepted`)
})

function conditionOf(answer: Element): string | undefined {
  return attribute(answer, 'type') === 'error' ? parseStanzaError(answer).condition : undefined
}
