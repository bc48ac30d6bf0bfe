import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { ClientHandshake, ServerHandshake } from '../../src/socks5/index.ts'
import { corpusOf } from '../helpers/corpus.ts'
import { cut, oneByOne } from '../helpers/fragments.ts'
import { harass } from '../helpers/hostile-line.ts'
import type { Fate, HostileStanza } from '../helpers/hostile-stanzas.ts'
import { beginAssault } from '../helpers/hostile-streamhost.ts'
import { startProxy } from '../helpers/proxy.ts'
import { embedded } from '../helpers/server.ts'
import { dstAddr } from '../helpers/socks5.ts'
import { hostileClient, hostileComponent, hostileServerOfAccount, hostileServerOfComponent, type OwnVictim } from '../helpers/victims.ts'
import { naiveConnectReply, naiveMethodChoice, naiveServerHandshake } from '../naive/socks5.ts'

const NOBODY = { to: '' }

/** `octets` as they are, one by one, and in two pieces, wherever they are cut. */
function pieces(octets: Buffer): readonly (readonly Buffer[])[] {
  return [[octets], oneByOne(octets), ...Array.from(octets, (_, at) => cut(octets, [at]))]
}

/** What a streamhost answers to some pieces, as hexadecimal digits, and how it ends. */
function serve(segments: readonly Buffer[]): [replies: string, outcome: string] {
  const handshake = new ServerHandshake()
  let replies = ''
  for (const segment of segments) {
    const step = handshake.push(segment)
    replies += Buffer.concat(step.replies).toString('hex')
    if (step.error) return [replies, step.error.code]
    if (step.request) return [replies, step.request.dstAddr]
  }
  return [replies, 'more']
}

for (const { name, octets } of corpusOf('handshakes')) {
  test(`handshake: ${name}`, (t) => {
    const said = octets(NOBODY)
    const { replies, outcome } = naiveServerHandshake(said)
    const expected = [replies.join(''), typeof outcome === 'string' ? outcome : outcome.dstAddr]
    for (const segments of pieces(said)) t.deepEqual(serve(segments), expected)
  })
}

test('every handshake of the corpus at once, whole, octet by octet, and slowly, beside pairs that have to come through', async (t) => {
  const assault = await beginAssault(t)
  const everyOctet = Array.from({ length: 700 }, (_, at) => at)
  for (const manner of [
    { cuts: [], pace: 'at once', leaves: 'never' },
    { cuts: everyOctet, pace: 'at once', leaves: 'fin' },
    { cuts: [], pace: 'drip', leaves: 'never' },
    { cuts: [], pace: 'at once', leaves: 'reset' },
  ] as const) {
    // Another DST.ADDR for each, or the third of one would be turned away.
    await assault.wave(
      corpusOf('handshakes').map(({ name, octets }, index) => ({
        kind: name,
        ...manner,
        octets: () => withOwnName(octets(NOBODY), index),
      })),
    )
  }
  await assault.end()
})

/** Where a case has the DST.ADDR all cases have, another one. */
function withOwnName(octets: Buffer, index: number): Buffer {
  const at = octets.toString('latin1').toLowerCase().indexOf('a1'.repeat(20))
  if (at === -1) return octets
  const copy = Buffer.from(octets)
  copy.write(index.toString(16).padStart(4, '0'), at, 'latin1')
  return copy
}

/** What becomes of a requester or target to whom a streamhost says this. */
function connect(segments: readonly Buffer[]): string {
  const handshake = new ClientHandshake(dstAddr)
  let early: string | undefined
  for (const segment of segments) {
    if (early !== undefined) {
      early += segment.toString('hex')
      continue
    }
    try {
      early = handshake.push(segment).early?.toString('hex')
    } catch (error) {
      if (error instanceof BytestreamError) return error.code
      throw error
    }
  }
  return early === undefined ? 'more' : `in, and ${early}`
}

function naiveConnect(octets: Buffer): string {
  const choice = naiveMethodChoice(octets)
  if (typeof choice === 'string') return choice
  const reply = naiveConnectReply(octets.subarray(choice.bytes))
  if (typeof reply === 'string') return reply
  return reply.value === 0 ? `in, and ${octets.toString('hex', choice.bytes + reply.bytes)}` : 'ERR_SOCKS5_REFUSED'
}

for (const { name, octets } of corpusOf('replies')) {
  test(`reply: ${name}`, (t) => {
    const said = octets(NOBODY)
    for (const segments of pieces(said)) t.is(connect(segments), naiveConnect(said))
  })
}

/** Longer ones are cut in fewer places. */
const CUTS_MAX = 64

/** Each whole, and in pieces. */
const stanzas: readonly HostileStanza[] = (['answer', 'silence', 'violation', 'over', 'either'] satisfies Fate[]).flatMap((fate) =>
  corpusOf(`stanzas/${fate}`).flatMap(({ name, octets }) => {
    const length = octets({ from: 'juliet@localhost/balcony', to: 'proxy.localhost' }).length
    const step = Math.ceil(length / CUTS_MAX)
    const cuts = Array.from({ length: Math.min(CUTS_MAX, length) }, (_, index) => index * step)
    return [[], cuts].map((at) => ({ kind: name, fate, octets, cuts: at }))
  }),
)

for (const [name, begin] of [
  ['a component', hostileServerOfComponent],
  ['an account', hostileServerOfAccount],
] as const) {
  test(`every stanza of the corpus, for ${name}`, async (t) => {
    const victim: OwnVictim = await begin()
    await harass(t, victim, stanzas)
    await victim.prove(t)
    await victim.close()
    t.deepEqual(victim.errors, [])
  })
}

test('every stanza of the corpus, of a client and of a component, for the embedded server', async (t) => {
  await using server = await embedded.start({ accounts: ['romeo'], components: ['proxy.localhost', 'evil.localhost'] })
  await using proxy = await startProxy(server, { jid: 'proxy.localhost' })
  await harass(t, hostileClient(server, 'romeo', proxy.jid), stanzas)
  await harass(t, hostileComponent(server, 'evil.localhost', proxy.jid), stanzas)
  t.true(proxy.session.isOnline)
})
