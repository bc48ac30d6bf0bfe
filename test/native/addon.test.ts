// Goal: the addon by itself, over sockets of the kernel: each of its functions, its errors, and that it keeps nothing. What
// every relay engine has to do, test/contract has.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  descriptorOf,
  descriptorsSince,
  errorOf,
  everythingFrom,
  NOTHING_EARLY,
  nativeBytestream,
  nativeSuite,
  octetsFrom,
  openDescriptors,
  startNativeRelay,
} from '../helpers/native.ts'
import { socketPair } from '../helpers/socket-pair.ts'

const test = nativeSuite('the native relay')

test('octets are moved both ways, counted, and the ends of both are passed on', async (t) => {
  const { first, second, flow, done } = await nativeBytestream(t, startNativeRelay(t))
  first.write('there')
  t.is((await octetsFrom(second, 5)).toString(), 'there')
  t.is(flow.moved(0), 5)
  first.end()
  t.is((await everythingFrom(second)).length, 0)
  second.end('and back')
  t.is((await everythingFrom(first)).toString(), 'and back')
  t.is(await done, 'end')
  t.deepEqual([flow.moved(0), flow.moved(1)], [5, 8])
})

test('more octets than fit anywhere arrive as they were sent', async (t) => {
  const { first, second, flow, done } = await nativeBytestream(t, startNativeRelay(t, { threads: 2, pipesMax: 10 }))
  const octets = Buffer.alloc(32 * 1024 * 1024).map((_, index) => index % 251)
  first.end(octets)
  const [received] = await Promise.all([everythingFrom(second), everythingFrom(first), second.end()])
  t.true(received.equals(octets))
  t.is(await done, 'end')
  t.is(flow.moved(0), octets.length)
})

test('octets that were read before come first, and count', async (t) => {
  const early = [Buffer.from('early there, '), new Uint8Array(Buffer.from('early back, '))] as const
  const { first, second, flow, done } = await nativeBytestream(t, startNativeRelay(t), { early })
  first.end('then these')
  second.end('then those')
  t.is((await everythingFrom(second)).toString(), 'early there, then these')
  t.is((await everythingFrom(first)).toString(), 'early back, then those')
  t.is(await done, 'end')
  t.deepEqual([flow.moved(0), flow.moved(1)], [23, 22])
})

test('a reset is passed on as a reset', async (t) => {
  const { first, second, done } = await nativeBytestream(t, startNativeRelay(t))
  first.write('x')
  await octetsFrom(second, 1)
  first.resetAndDestroy()
  t.is(await errorOf(second), 'ECONNRESET')
  t.is(await done, 'reset')
})

test('what is aborted, both sides see as reset; abort() may come again, and too late', async (t) => {
  const { first, second, flow, done } = await nativeBytestream(t, startNativeRelay(t))
  flow.abort()
  flow.abort()
  t.deepEqual(await Promise.all([errorOf(first), errorOf(second), done]), ['ECONNRESET', 'ECONNRESET', 'aborted'])
  flow.abort()
})

test('stop() breaks off what runs; what is left of it can still be asked, and nothing new is taken', async (t) => {
  const relay = startNativeRelay(t, { threads: 2, pipesMax: 10 })
  const bucket = relay.bucket(1_000_000)
  const { first, second, flow, done } = await nativeBytestream(t, relay, { ...NOTHING_EARLY, bucket })
  first.write('x')
  await octetsFrom(second, 1)
  relay.stop()
  relay.stop()
  t.deepEqual(await Promise.all([errorOf(first), errorOf(second), done]), ['ECONNRESET', 'ECONNRESET', 'aborted'])
  t.is(flow.moved(0), 1)
  flow.abort()
  bucket.change(0)
  const { accepted } = await socketPair(t)
  const descriptor = descriptorOf(accepted)
  t.throws(() => relay.add(descriptor, descriptor, NOTHING_EARLY, () => {}), { message: 'the native relay was stopped' })
  t.throws(() => relay.bucket(0), { message: 'the native relay was stopped' })
})

test.serial('a hundred relays, one after the other, leave nothing', async (t) => {
  const start = () => startNativeRelay(t, { threads: 3, pipesMax: 10 })
  start().stop()
  const before = openDescriptors()
  for (let round = 0; round < 100; round++) start().stop()
  t.deepEqual(descriptorsSince(before), [])
})

test('a bucket holds back, and lets go when it is changed', async (t) => {
  const relay = startNativeRelay(t)
  const all = relay.bucket(0)
  const bucket = relay.bucket(1_000, all)
  const { first, second, done } = await nativeBytestream(t, relay, { ...NOTHING_EARLY, bucket })
  first.end(Buffer.alloc(4 * 1024 * 1024))
  await octetsFrom(second, 1)
  bucket.change(0)
  all.change(10_000_000_000)
  t.is((await everythingFrom(second)).length, 4 * 1024 * 1024 - 1)
  second.end()
  first.resume()
  t.is(await done, 'end')
})

test('a bucket of another relay is a mistake', async (t) => {
  const [relay, other] = [startNativeRelay(t), startNativeRelay(t)]
  t.throws(() => relay.bucket(1, other.bucket(1)), { instanceOf: TypeError })
  t.throws(() => relay.bucket(1, { change: () => {} }), { instanceOf: TypeError })
})

test.serial('a descriptor that is none is refused with its code, and leaves nothing open', async (t) => {
  const relay = startNativeRelay(t)
  const { accepted } = await socketPair(t)
  const descriptor = descriptorOf(accepted)
  const before = openDescriptors()
  const unheard = () => t.fail('nothing ran')
  t.throws(() => relay.add(-1, descriptor, NOTHING_EARLY, unheard), { code: 'EBADF' })
  t.throws(() => relay.add(descriptor, -1, NOTHING_EARLY, unheard), {
    code: 'EBADF',
    message: 'a bytestream cannot be handed over: EBADF',
  })
  t.deepEqual(descriptorsSince(before), [])
})

// linux/fcntl.h; Node does not have it.
const O_CLOEXEC = 0o2000000

test.serial('the descriptors of a relay are its own, not inherited by other programs, and gone with it', async (t) => {
  const before = openDescriptors()
  const relay = startNativeRelay(t)
  const { first, second, done } = await nativeBytestream(t, relay)
  first.write('x')
  await octetsFrom(second, 1)
  const inherited = [...openDescriptors()].filter(([name, flags]) => !before.has(name) && (flags & O_CLOEXEC) === 0)
  t.deepEqual(inherited, [])
  first.destroy()
  second.destroy()
  await done
  relay.stop()
  t.deepEqual(descriptorsSince(before), [])
})

test.serial('nothing of a bytestream is kept once it is over', async (t) => {
  const relay = startNativeRelay(t)
  const left = async () => {
    const [one, other] = [await socketPair(t), await socketPair(t)]
    return new Promise<readonly WeakRef<object>[]>((resolve) => {
      const onDone = () => resolve([new WeakRef(flow), new WeakRef(onDone)])
      const flow = relay.add(descriptorOf(one.accepted), descriptorOf(other.accepted), NOTHING_EARLY, onDone)
      flow.abort()
    })
  }
  const references = await left()
  setFlagsFromString('--expose-gc')
  const collect: (options: { execution: 'async' }) => Promise<void> = runInNewContext('gc')
  await collect({ execution: 'async' })
  t.deepEqual(
    references.map((reference) => reference.deref()),
    [undefined, undefined],
  )
})
