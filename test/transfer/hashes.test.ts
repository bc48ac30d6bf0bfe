import { createHash } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { ContentHasher, type HashAlgorithm, offerableAlgorithms, pickAlgorithm, verifiableAlgorithms } from '../../src/transfer/hashes.ts'

async function digestOf(algo: HashAlgorithm, pieces: readonly Uint8Array[]): Promise<string | undefined> {
  const hasher = await ContentHasher.begin([algo])
  for (const piece of pieces) hasher.update(piece)
  return hasher.digest().get(algo)?.toString('hex')
}

/** The values of "abc" in the standards: RFC 1321 §A.5, FIPS 180-4, FIPS 202 and RFC 7693 §A, and those of b2sum(1). */
const ofAbc = {
  'blake2b-512':
    'ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923',
  'sha-512':
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  'sha3-512':
    'b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0',
  'sha-256': 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  'blake2b-256': 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319',
  'sha3-256': '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532',
  'sha-1': 'a9993e364706816aba3e25717850c26c9cd0d89d',
  md5: '900150983cd24fb0d6963f7d28e17f72',
} as const satisfies Record<HashAlgorithm, string>

for (const algo of verifiableAlgorithms) {
  test(`${algo} of "abc" is that of its standard, whole, in pieces, and with others beside it`, async (t) => {
    t.is(await digestOf(algo, [Buffer.from('abc')]), ofAbc[algo])
    t.is(await digestOf(algo, [Buffer.from('a'), Buffer.alloc(0), Buffer.from('bc')]), ofAbc[algo])
    const together = await ContentHasher.begin(verifiableAlgorithms)
    together.update(Buffer.from('abc'))
    t.is(together.digest().get(algo)?.toString('hex'), ofAbc[algo])
  })
}

test('BLAKE2b of 256 bits is the one of the same length that OpenSSL cannot shorten, whatever the pieces', async (t) => {
  const whole = await digestOf('blake2b-256', [Buffer.alloc(100_000, 'x')])
  t.not(whole, createHash('blake2b512').update(Buffer.alloc(100_000, 'x')).digest('hex').slice(0, 64))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 5 }), async (cuts) => {
      const ends = [...cuts.map((cut) => Math.min(cut * 2, 100_000)), 100_000].sort((one, other) => one - other)
      const pieces = ends.map((end, index) => Buffer.alloc(end - (ends[index - 1] ?? 0), 'x'))
      return (await digestOf('blake2b-256', pieces)) === whole
    }),
    { numRuns: 50 },
  )
})

for (const algo of verifiableAlgorithms) {
  test(`${algo} goes on from where it was, as often as is needed, and by itself`, async (t) => {
    const hasher = await ContentHasher.begin([algo])
    hasher.update(Buffer.from('a'))
    const state = hasher.state()
    hasher.update(Buffer.from('bc'))
    t.is((await hasher.digestSoFar()).get(algo)?.toString('hex'), ofAbc[algo])
    t.is(hasher.digest().get(algo)?.toString('hex'), ofAbc[algo])
    for (let round = 0; round < 2; round++) {
      const again = await ContentHasher.resume(state)
      again.update(Buffer.from('bc'))
      t.is(again.digest().get(algo)?.toString('hex'), ofAbc[algo])
    }
  })
}

test('two contents hashed at the same time do not mix', async (t) => {
  const [one, other] = await Promise.all([ContentHasher.begin(['blake2b-256']), ContentHasher.begin(['blake2b-256'])])
  one.update(Buffer.from('ab'))
  other.update(Buffer.from('something else'))
  one.update(Buffer.from('c'))
  t.is(one.digest().get('blake2b-256')?.toString('hex'), ofAbc['blake2b-256'])
})

const picks = test.macro({
  exec(t: ExecutionContext, names: readonly string[], picked: HashAlgorithm | undefined) {
    t.is(pickAlgorithm(names), picked)
    t.is(pickAlgorithm(names.toReversed()), picked)
  },
  title: (_, names, picked) => `of ${names.join(', ') || 'nothing'}, ${picked ?? 'nothing'} is verified`,
})
test(picks, ['md5', 'sha-1'], 'sha-1')
test(picks, ['sha-1', 'sha-256', 'sha-224'], 'sha-256')
test(picks, ['sha-256', 'sha3-256', 'blake2b-256'], 'sha-256')
test(picks, ['sha-256', 'blake2b-512', 'sha3-512'], 'blake2b-512')
test(picks, ['sha-224', 'constructor', ''], undefined)
test(picks, [], undefined)

test('what is offered is what XEP-0414 §2 demands of every receiver', (t) => {
  t.deepEqual(offerableAlgorithms, ['sha-256', 'sha3-256', 'blake2b-512'])
})
