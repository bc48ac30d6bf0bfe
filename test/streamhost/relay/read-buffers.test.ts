import test from 'ava'
import { ReadBuffers } from '../../../src/streamhost/relay/read-buffers.ts'

const SMALL_BYTES = 16_384
const LARGE_BYTES = 262_144

test('what was read is kept as it was, whatever is read next', (t) => {
  const buffers = new ReadBuffers()
  const read = (octets: string) => {
    buffers.target(octets.length > SMALL_BYTES).write(octets, 'latin1')
    return buffers.keep(octets.length)
  }
  for (const bytes of [1, SMALL_BYTES, SMALL_BYTES + 1, LARGE_BYTES]) {
    const [one, other] = [read('a'.repeat(bytes)), read('b'.repeat(bytes))]
    t.is(one.toString('latin1', 0, bytes), 'a'.repeat(bytes))
    t.is(other.toString('latin1', 0, bytes), 'b'.repeat(bytes))
    t.is(one.length, bytes > SMALL_BYTES ? LARGE_BYTES : SMALL_BYTES)
  }
})

test('a buffer that was given back is used again', (t) => {
  const buffers = new ReadBuffers()
  for (const bytes of [10, 100_000]) {
    const one = buffers.keep(bytes)
    const other = buffers.keep(bytes)
    t.not(one, other)
    buffers.giveBack(one)
    t.is(buffers.keep(bytes), one)
  }
})

test('a crowd that has gone leaves four buffers behind', (t) => {
  const buffers = new ReadBuffers()
  const crowd = Array.from({ length: 100 }, () => buffers.keep(100_000))
  for (const buffer of crowd) buffers.giveBack(buffer)
  const again = Array.from({ length: 100 }, () => buffers.keep(100_000))
  t.is(again.filter((buffer) => crowd.includes(buffer)).length, 4)
})

test('while many are busy, as many are kept', (t) => {
  const buffers = new ReadBuffers()
  const crowd = Array.from({ length: 100 }, () => buffers.keep(100_000))
  for (const buffer of crowd.slice(50)) buffers.giveBack(buffer)
  const again = Array.from({ length: 50 }, () => buffers.keep(100_000))
  t.true(again.every((buffer) => crowd.includes(buffer)))
})

test('512 read much at once; with one more, all of them read little, so that none gets more than another', (t) => {
  const buffers = new ReadBuffers()
  const large = buffers.target(true).length
  for (let reader = 0; reader < 512; reader += 1) buffers.readsLarge()
  t.is(buffers.target(true).length, large)
  buffers.readsLarge()
  t.is(buffers.target(true).length, buffers.smallBytes)
  buffers.readsNoMoreLarge()
  t.is(buffers.target(true).length, large)
})
