import test from 'ava'
import fc from 'fast-check'
import { bufferBytesOf } from '../../../src/streamhost/relay/socket-memory.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
const FLOOR_BYTES = 64 * 1024
/** Two sockets, two directions. */
const BUFFERS = 4

test('the first few are left to the kernel, as their share is what it gives anyhow', (t) => {
  t.is(bufferBytesOf(1, GIB), undefined)
  t.is(bufferBytesOf(4, GIB), undefined)
  t.is(bufferBytesOf(5, GIB), Math.floor(GIB / 200))
  t.is(bufferBytesOf(1, 240 * MIB), undefined)
  t.is(bufferBytesOf(1, 240 * MIB - 40), 6 * MIB - 1)
})

test('however many there are, each gets 64 KiB', (t) => {
  t.is(bufferBytesOf(10_000, GIB), FLOOR_BYTES)
  t.is(bufferBytesOf(1, FLOOR_BYTES), FLOOR_BYTES)
})

test('whoever comes and goes, the shares above the floor stay below the maximum together', (t) => {
  // Each step: how many come, and which part of those that are there go, oldest or newest first.
  const steps = fc.array(fc.record({ come: fc.nat({ max: 200 }), go: fc.double({ min: 0, max: 1, noNaN: true }), oldest: fc.boolean() }))
  fc.assert(
    fc.property(steps, fc.integer({ min: 64 * MIB, max: 8 * GIB }), (plan, memoryBytesMax) => {
      const shares: number[] = []
      for (const { come, go, oldest } of plan) {
        for (let count = 0; count < come; count += 1) shares.push(bufferBytesOf(shares.length + 1, memoryBytesMax) ?? 6 * MIB)
        const gone = Math.floor(go * shares.length)
        shares.splice(oldest ? 0 : shares.length - gone, gone)
        const above = shares.filter((bytes) => bytes > FLOOR_BYTES).reduce((sum, bytes) => sum + BUFFERS * bytes, 0)
        t.true(above <= memoryBytesMax)
      }
    }),
  )
})
