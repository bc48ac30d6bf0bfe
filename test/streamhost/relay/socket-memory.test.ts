import test from 'ava'
import type { Relay } from '../../../src/streamhost/index.ts'
import { defaultMemoryBytesMax, SocketMemory } from '../../../src/streamhost/relay/socket-memory.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { socketPair } from '../../helpers/socket-pair.ts'

const MIB = 2 ** 20
const BOUND_BYTES = 64 * 1024
const LOOK_MS = 250

/** The memory of a machine that takes what a test says, and bytestreams that remember what they were bounded to. */
function machine() {
  const clock = new FakeClock()
  const state = { taken: 0 as number | undefined, looks: 0 }
  const memory = new SocketMemory(clock, 100 * MIB, () => {
    state.looks += 1
    return state.taken
  })
  const open = () => {
    const bounds: number[] = []
    const relay: Relay = {
      firstToSecond: 0,
      secondToFirst: 0,
      done: new Promise(() => {}),
      breakOff: () => {},
      boundBuffers: (bytes) => bounds.push(bytes),
    }
    memory.add(relay)
    return { relay, bounds }
  }
  return { clock, memory, state, open }
}

test('while TCP takes no more than the maximum, the kernel sizes the buffers', (t) => {
  const { clock, state, open } = machine()
  const { bounds } = open()
  state.taken = 100 * MIB
  clock.advance(10 * LOOK_MS)
  t.deepEqual(bounds, [])
})

test('above it all are bounded, once, and those that come later too', (t) => {
  const { clock, state, open } = machine()
  const [one, other] = [open(), open()]
  state.taken = 100 * MIB + 1
  clock.advance(LOOK_MS)
  const late = open()
  clock.advance(10 * LOOK_MS)
  t.deepEqual([one.bounds, other.bounds, late.bounds], [[BOUND_BYTES], [BOUND_BYTES], [BOUND_BYTES]])
})

test('once TCP takes half of it, newcomers are left to the kernel again', (t) => {
  const { clock, state, open } = machine()
  open()
  state.taken = 200 * MIB
  clock.advance(LOOK_MS)
  state.taken = 50 * MIB + 1
  clock.advance(LOOK_MS)
  t.deepEqual(open().bounds, [BOUND_BYTES])
  state.taken = 50 * MIB
  clock.advance(LOOK_MS)
  t.deepEqual(open().bounds, [])
})

test('nobody looks while no bytestream runs, nor bounds one where it is not known', (t) => {
  const { clock, memory, state, open } = machine()
  const { relay, bounds } = open()
  state.taken = undefined
  clock.advance(LOOK_MS)
  t.deepEqual([state.looks, bounds.length], [1, 0])
  memory.delete(relay)
  clock.advance(10 * LOOK_MS)
  t.deepEqual([state.looks, clock.waiting], [1, 0])
})

test('the default is from where on the kernel itself economises', (t) => {
  t.true(defaultMemoryBytesMax() >= MIB)
})

;(process.platform === 'linux' ? test : test.skip)('what TCP takes is asked of the system', async (t) => {
  const { accepted, connected } = await socketPair(t)
  accepted.pause()
  while (connected.writableLength === 0) connected.write(Buffer.alloc(MIB))
  const clock = new FakeClock()
  const { relay, bounds } = machine().open()
  const memory = new SocketMemory(clock, 1)
  memory.add(relay)
  clock.advance(LOOK_MS)
  t.deepEqual(bounds, [BOUND_BYTES])
})
