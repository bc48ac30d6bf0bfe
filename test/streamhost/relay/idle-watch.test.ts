import test from 'ava'
import type { Relay, RelayEnd } from '../../../src/streamhost/index.ts'
import { IdleWatch } from '../../../src/streamhost/relay/idle-watch.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const IDLE_MS_MAX = 1_000

class Bytestream implements Relay {
  readonly done = new Promise<never>(() => {})
  firstToSecond = 0
  secondToFirst = 0
  end: RelayEnd | undefined

  breakOff(end: RelayEnd): void {
    this.end = end
  }

  boundBuffers(): void {}
}

function openWatch() {
  const clock = new FakeClock()
  return { clock, watch: new IdleWatch(clock, IDLE_MS_MAX) }
}

test('each bytestream has its own idle time, whenever it began, exceeded by a quarter at most', (t) => {
  const { clock, watch } = openWatch()
  const [one, other] = [new Bytestream(), new Bytestream()]
  watch.add(one)
  clock.advance(100)
  watch.add(other)
  clock.advance(IDLE_MS_MAX - 101)
  t.is(one.end, undefined)
  clock.advance(1)
  t.is(one.end, 'idle')
  watch.delete(one)
  clock.advance(99)
  t.is(other.end, undefined)
  clock.advance(1 + IDLE_MS_MAX / 4)
  t.is(other.end, 'idle')
})

test('octets of one do nothing for another', (t) => {
  const { clock, watch } = openWatch()
  const [busy, quiet] = [new Bytestream(), new Bytestream()]
  watch.add(busy)
  watch.add(quiet)
  for (let quarter = 0; quarter < 8; quarter += 1) {
    busy.secondToFirst += 1
    clock.advance(IDLE_MS_MAX / 4)
  }
  t.deepEqual([busy.end, quiet.end], [undefined, 'idle'])
})

test('one timer does for all, and none is left behind the last', (t) => {
  const { clock, watch } = openWatch()
  const all = Array.from({ length: 3 }, () => new Bytestream())
  for (const relay of all) watch.add(relay)
  t.is(clock.waiting, 1)
  clock.advance(IDLE_MS_MAX / 4)
  t.is(clock.waiting, 1)
  for (const relay of all) {
    t.is(clock.waiting, 1)
    watch.delete(relay)
  }
  t.is(clock.waiting, 0)
  watch.add(new Bytestream())
  t.is(clock.waiting, 1)
})

test('a program that stood still breaks nothing off for it', (t) => {
  const { clock, watch } = openWatch()
  const relay = new Bytestream()
  watch.add(relay)
  clock.standStill(10 * IDLE_MS_MAX)
  t.is(relay.end, undefined)
  relay.firstToSecond = 1
  clock.advance(IDLE_MS_MAX)
  t.is(relay.end, undefined)
  clock.advance(IDLE_MS_MAX / 4)
  t.is(relay.end, 'idle')
})
