import { createHash } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { ownHolder } from '../../../src/transfer/parts/holder.ts'
import { decodeState, encodeState, type PartState, STATE_BYTES_MAX, secondsOf } from '../../../src/transfer/parts/part-state.ts'

const state: PartState = {
  ...{ from: 'sender@example.org', name: 'Größe "1".bin', folder: 'a/b', size: 2 ** 53 - 1, modifiedS: -1, holder: ownHolder },
  hashes: [{ algo: 'sha-256', value: createHash('sha256').digest() }],
}

test('a state is read as it was written, beyond 2^32 octets and up to the last number there is', (t) => {
  for (const size of [0, 1, 2 ** 32 + 1, 2 ** 53 - 1]) t.deepEqual(decodeState(encodeState({ ...state, size })), { ...state, size })
  const least = { ...state, modifiedS: undefined, hashes: [], folder: '' }
  t.deepEqual(decodeState(encodeState(least)), least)
})

test('a hash nobody can verify is left out', (t) => {
  const hashes = [...state.hashes, { algo: 'sha-224', value: Buffer.alloc(28) }]
  t.deepEqual(decodeState(encodeState({ ...state, hashes })), state)
})

test('a state that is cut at any character is none', (t) => {
  const text = encodeState(state)
  for (let length = 0; length < text.length; length++) t.is(decodeState(text.slice(0, length)), undefined)
})

test('a state without one of its fields, or with another kind of value there, is none', (t) => {
  const fields = JSON.parse(encodeState(state)) as Record<string, unknown>
  for (const name of Object.keys(fields)) {
    const { [name]: _, ...rest } = fields
    if (name !== 'modifiedS') t.is(decodeState(JSON.stringify(rest)), undefined, name)
    for (const value of [null, true, {}, [0], ['x'], -1.5, name === 'version' ? 2 : Number.MAX_VALUE])
      t.is(decodeState(JSON.stringify({ ...fields, [name]: value })), undefined, `${name} ${value}`)
  }
})

test('whatever stands there, there is a state or none', (t) => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => decodeState(text) === undefined))
  fc.assert(
    fc.property(fc.nat(), fc.string({ maxLength: 3 }), (at, other) => {
      const text = encodeState(state)
      const [cut, rest] = [text.slice(0, at % text.length), text.slice((at % text.length) + 1)]
      const found = decodeState(cut + other + rest)
      return found === undefined || Number.isSafeInteger(found.size)
    }),
  )
  t.pass()
})

test('the longest state there can be is read', (t) => {
  const hashes = ['blake2b-512', 'sha-512', 'sha3-512', 'sha-256', 'blake2b-256', 'sha3-256', 'sha-1', 'md5'].map((algo) => ({
    ...{ algo, value: Buffer.alloc(64) },
  }))
  const jid = `${'l'.repeat(1023)}@${'d'.repeat(1023)}`
  const longest = encodeState({ ...state, from: jid, name: '"'.repeat(200), folder: '"'.repeat(4096), hashes })
  t.true(Buffer.byteLength(longest) <= STATE_BYTES_MAX)
})

test('a date counts by its second, however it is written (XEP-0082)', (t) => {
  t.is(secondsOf('1969-07-21T02:56:15Z'), -14_159_025)
  t.is(secondsOf('2026-11-21T19:40:42.999Z'), secondsOf('2026-11-21T20:40:42+01:00'))
  for (const none of [undefined, '', 'yesterday', '2026-13-01T00:00:00Z', 'x'.repeat(100_000)]) t.is(secondsOf(none), undefined)
})
