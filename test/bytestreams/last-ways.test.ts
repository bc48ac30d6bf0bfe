import test from 'ava'
import { LastWays } from '../../src/bytestreams/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

const HOUR = 60 * 60_000
const PEER = 'juliet@example.org/balcony'

test('the way a peer was last reached is known of its account, whichever device it is', (t) => {
  const ways = new LastWays(new FakeClock(), () => ['192.0.2.1'])
  t.is(ways.recall(PEER), undefined)
  ways.remember(PEER, 'proxy')
  t.is(ways.recall('juliet@example.org/garden'), 'proxy')
  t.is(ways.recall('juliet@example.org'), 'proxy')
  t.is(ways.recall('romeo@example.org/balcony'), undefined)
  ways.remember(PEER, 'direct')
  t.is(ways.recall(PEER), 'direct')
  ways.forget('juliet@example.org/garden')
  t.is(ways.recall(PEER), undefined)
})

test('it is forgotten after an hour, one in band after five minutes, also when it is in use all the time', (t) => {
  for (const [method, ms] of [
    ['proxy', HOUR],
    ['direct', HOUR],
    ['ibb', 5 * 60_000],
  ] as const) {
    const clock = new FakeClock()
    const ways = new LastWays(clock, () => [])
    ways.remember(PEER, method)
    clock.advance(ms - 1)
    ways.remember(PEER, method)
    t.is(ways.recall(PEER), method)
    clock.advance(1)
    t.is(ways.recall(PEER), undefined, method)
  }
})

test('everything is forgotten when the addresses of this machine change, and not when their order does', (t) => {
  let addresses = ['192.0.2.1', '2001:db8::1']
  const ways = new LastWays(new FakeClock(), () => addresses)
  ways.remember(PEER, 'proxy')
  addresses = ['2001:db8::1', '192.0.2.1']
  t.is(ways.recall(PEER), 'proxy')
  addresses = ['192.0.2.7', '2001:db8::1']
  t.is(ways.recall(PEER), undefined)
})

test('of more than 1,000 peers the one that was found out about first makes way', (t) => {
  const ways = new LastWays(new FakeClock(), () => [])
  const jidOf = (index: number) => `peer${index}@example.org`
  for (let index = 0; index <= 1_000; index += 1) ways.remember(jidOf(index), 'proxy')
  t.is(ways.recall(jidOf(0)), undefined)
  t.is(ways.recall(jidOf(1)), 'proxy')
  t.is(ways.recall(jidOf(1_000)), 'proxy')
})
