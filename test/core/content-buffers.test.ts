import test, { type ExecutionContext } from 'ava'
import { ContentBuffers } from '../../src/core/index.ts'

const LARGE_BYTES = 1024 * 1024
const SMALL_BYTES = 64 * 1024
const LARGE_PAIRS_MAX = 16

function open(t: ExecutionContext, bytes: number): ContentBuffers {
  const buffers = new ContentBuffers(bytes)
  t.teardown(() => buffers[Symbol.dispose]())
  return buffers
}

test.serial('a pair has two buffers that take turns, large ones for what is more than a small one holds', (t) => {
  for (const [content, bytes] of [
    [0, SMALL_BYTES],
    [SMALL_BYTES, SMALL_BYTES],
    [SMALL_BYTES + 1, LARGE_BYTES],
    [2 ** 40, LARGE_BYTES],
  ] as const) {
    using buffers = new ContentBuffers(content)
    t.is(buffers.bytes, bytes)
    t.is(buffers.at(0).length, bytes)
    t.not(buffers.at(0), buffers.at(1))
    t.is(buffers.at(0), buffers.at(2))
    t.is(buffers.at(1), buffers.at(3))
  }
})

test.serial('of so many files at once the next ones get small buffers, until one of them is through', (t) => {
  const first = Array.from({ length: LARGE_PAIRS_MAX }, () => open(t, LARGE_BYTES))
  t.true(first.every(({ bytes }) => bytes === LARGE_BYTES))
  t.is(open(t, LARGE_BYTES).bytes, SMALL_BYTES)
  first[0]?.[Symbol.dispose]()
  first[0]?.[Symbol.dispose]() // Counts once.
  t.is(open(t, LARGE_BYTES).bytes, LARGE_BYTES)
  t.is(open(t, LARGE_BYTES).bytes, SMALL_BYTES)
  first[1]?.abandon()
  t.is(open(t, LARGE_BYTES).bytes, LARGE_BYTES)
  t.is(open(t, LARGE_BYTES).bytes, SMALL_BYTES)
})

test.serial('files one after the other have the same memory, and one that was abandoned nobody gets', (t) => {
  const memory = () => {
    using buffers = new ContentBuffers(LARGE_BYTES)
    return [buffers.at(0), buffers.at(1)]
  }
  const first = memory()
  for (let file = 0; file < 10; file += 1) t.true(memory().every((buffer) => first.includes(buffer)))
  const abandoned = new ContentBuffers(LARGE_BYTES)
  const taken = abandoned.at(0)
  abandoned.abandon()
  abandoned[Symbol.dispose]()
  const seen = new Set<Buffer>()
  for (let file = 0; file < LARGE_PAIRS_MAX; file += 1) {
    const buffers = open(t, LARGE_BYTES)
    seen.add(buffers.at(0)).add(buffers.at(1))
  }
  t.is(seen.size, 2 * LARGE_PAIRS_MAX)
  t.false(seen.has(taken))
})
