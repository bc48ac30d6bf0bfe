import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../../src/core/index.ts'
import { HEADER_LINE, type QueueRecord, readRecords, writeRecords } from '../../../src/transfer/queue/records.ts'

const at = '2026-11-21T20:00:00.000Z'
const entry = {
  id: 'k3fw9tbn',
  path: '/shelf/\u2028 line\nfeed.bin',
  to: 'desk@example.org',
  priority: -3,
  options: { method: 'proxy', hashes: ['sha-256'], description: 'ä"\\' },
  state: 'failed',
  attempts: 2,
  addedAt: at,
  begunAt: at,
  endedAt: at,
  error: { code: 'ERR_RESET', message: 'the connection broke' },
} as const
const all: readonly QueueRecord[] = [
  { op: 'entry', entry },
  { op: 'begin', id: entry.id, at },
  { op: 'released', id: entry.id, at },
  { op: 'pause', id: entry.id, at },
  { op: 'resume', id: entry.id, at },
  { op: 'cancel', id: entry.id, at },
  { op: 'retry', id: entry.id, at },
  { op: 'priority', id: entry.id, at, priority: 1.5 },
  { op: 'failed', id: entry.id, at, code: 'ERR_TIMEOUT', message: 'too late' },
  { op: 'done', id: entry.id, at, size: 2 ** 40, sha256: 'ab'.repeat(32) },
]
const place = { file: '/q', line: 1 }

test('each record is read back as it was written, in a line of its own', (t) => {
  const text = HEADER_LINE + writeRecords(all)
  t.is(text.split('\n').length, all.length + 2)
  t.deepEqual(readRecords(text, place), all)
})

for (const [what, line, message] of [
  ['no JSON', '{"op":"begin"', '/q, line 3: this is no JSON'],
  ['another operation', '{"op":"fly","id":"a"}', '/q, line 3: op is not what it should be: Invalid discriminator value'],
  ['no object', '[]', '/q, line 3: the record is not what it should be: Invalid input: expected object, received array'],
  ['a relative path', JSON.stringify({ op: 'entry', entry: { ...entry, path: 'a' } }), '/q, line 3: entry.path is not what it should be: '],
  [
    'another code',
    JSON.stringify({ op: 'failed', id: 'a', at, code: 'ERR_X', message: '' }),
    '/q, line 3: code is not what it should be: ',
  ],
  [
    'a line without an end',
    JSON.stringify({ op: 'begin', id: 'a', at, pad: 'x'.repeat(65_536) }),
    '/q, line 3: a line has at most 65536 octets',
  ],
] as const) {
  test(`a line with ${what} is refused with its number, and passed over where somebody has noted that it was never finished`, (t) => {
    const [one, other] = [writeRecords([all[1] as QueueRecord]), writeRecords([all[2] as QueueRecord])]
    const error = t.throws(() => readRecords(`${HEADER_LINE}${one}${line}\n${other}`, place), {
      instanceOf: BytestreamError,
      code: 'ERR_FILE',
    })
    t.true(error?.message.startsWith(message), error?.message)
    t.throws(() => readRecords(`${HEADER_LINE}${one}${line}\n`, place), { code: 'ERR_FILE' })
    t.deepEqual(readRecords(`${HEADER_LINE}${one}${line}\n\n${other}`, place), [all[1], all[2]])
  })
}

test('a file that does not begin as a queue is none, and one of a later version is not guessed at', (t) => {
  t.throws(() => readRecords('photo\n', place), { code: 'ERR_FILE', message: '/q, line 1: this is no queue' })
  t.throws(() => readRecords('{"queue":"streamhost","version":2}\n', place), {
    code: 'ERR_FILE',
    message: '/q, line 1: the queue is of version 2, and 1 is the highest that is known here',
  })
  t.deepEqual(readRecords(`${HEADER_LINE}${HEADER_LINE}`, place), [], 'two began an empty file at once')
})

test('an entry that would not be read back is not written', (t) => {
  const long = { op: 'entry', entry: { ...entry, path: `/${'ü'.repeat(40_000)}` } } as const
  t.throws(() => writeRecords([long]), {
    code: 'ERR_CONFIG',
    message: /^an entry of a queue has at most 65536 octets, and this one 8\d{4}$/,
  })
})

test('whatever is in a file is read, or refused with a code', (t) => {
  const piece = fc.oneof(fc.string(), fc.json(), fc.constantFrom(...all.map((record) => JSON.stringify(record)), '\n', '', '\0'))
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          readRecords(`${HEADER_LINE}${pieces.join('\n')}\n`, place)
        } catch (error) {
          if (!(error instanceof BytestreamError) || error.code !== 'ERR_FILE') throw error
        }
      }),
      { numRuns: 2_000 },
    ),
  )
})
