import test from 'ava'
import { Bounces } from '../../../src/component/pubsub/bounces.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const gone = { type: 'cancel', condition: 'item-not-found' } as const
const busy = { type: 'wait', condition: 'remote-server-timeout' } as const

function scene(bounceMsMax = 7 * DAY) {
  const clock = new FakeClock()
  const bounces = new Bounces(clock, bounceMsMax)
  return {
    clock,
    bounces,
    mayTell: (jid = 'a@b') => bounces.mayTell(1, jid),
    failed: (error: typeof gone | typeof busy = gone) => bounces.failed(1, 'a@b', error),
  }
}

for (const error of [gone, { type: 'modify', condition: 'gone' }, { type: 'cancel', condition: 'service-unavailable' }] as const) {
  test(`who is not there is left alone at once: ${error.type} ${error.condition} (XEP-0060 §12.4)`, (t) => {
    const { bounces, mayTell } = scene()
    t.true(mayTell())
    t.false(bounces.failed(1, 'a@b', error))
    t.false(mayTell())
    t.true(mayTell('c@d'), 'others are told')
    t.true(bounces.mayTell(2, 'a@b'), 'of other nodes, too, as nothing has come back of them')
  })
}

for (const [type, condition] of [
  ['wait', 'remote-server-timeout'],
  ['auth', 'registration-required'],
  ['cancel', 'not-acceptable'],
  ['modify', 'bad-request'],
] as const) {
  test(`what may pass is counted first: ${type} ${condition} (XEP-0060 §12.4)`, (t) => {
    const { bounces, mayTell } = scene()
    for (let error = 1; error <= 3; error++) {
      t.true(mayTell(), `before error ${error}`)
      bounces.failed(1, 'a@b', { type, condition })
    }
    t.false(mayTell())
  })
}

test('it is tried again after pauses that grow, up to six hours', (t) => {
  const { clock, mayTell, failed } = scene()
  const pauses: number[] = []
  for (let tried = 0; tried < 11; tried++) {
    failed()
    const before = clock.now()
    while (!mayTell()) clock.advance(MINUTE)
    pauses.push((clock.now() - before) / MINUTE)
  }
  t.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360])
})

test('what comes back during a pause was sent before it, and makes it no longer', (t) => {
  const { clock, mayTell, failed } = scene()
  for (let error = 0; error < 10; error++) failed()
  clock.advance(MINUTE)
  t.true(mayTell())
})

test('when nothing comes back of what it is told again, all is forgotten', (t) => {
  const { clock, bounces, mayTell, failed } = scene()
  for (let error = 0; error < 3; error++) {
    failed()
    clock.advance(10 * MINUTE)
    t.true(mayTell())
  }
  clock.advance(5 * MINUTE - 1)
  t.true(mayTell())
  t.is(bounces.size, 1)
  clock.advance(1)
  t.true(mayTell())
  t.is(bounces.size, 0)
  failed()
  clock.advance(MINUTE)
  t.true(mayTell(), 'and it begins with a short pause again')
})

test('nothing told, nothing forgotten: time alone proves nobody there', (t) => {
  const { clock, bounces, failed } = scene()
  failed()
  clock.advance(DAY)
  t.is(bounces.size, 1)
})

test('after the maximum of nothing but errors the subscription ends, not before', (t) => {
  const { clock, bounces, mayTell, failed } = scene(DAY)
  t.false(failed())
  clock.advance(DAY - 1)
  t.true(mayTell())
  t.false(failed())
  clock.advance(1)
  t.true(failed())
  t.is(bounces.size, 0)
})

test('that something arrived in between begins the time anew', (t) => {
  const { clock, mayTell, failed } = scene(DAY)
  failed()
  clock.advance(DAY / 2)
  t.true(mayTell())
  clock.advance(DAY / 2)
  t.true(mayTell())
  t.false(failed())
})

for (const [from, isHeard] of [
  ['a@b', true],
  ['a@b/device', true],
  ['a@c', false],
] as const) {
  test(`${from} is there: a@b is told again ${isHeard}`, (t) => {
    const { bounces, mayTell, failed } = scene()
    failed()
    bounces.heard(from)
    t.is(mayTell(), isHeard)
  })
}

test('a device that is there says nothing of another one', (t) => {
  const { bounces } = scene()
  bounces.failed(1, 'a@b/one', gone)
  bounces.heard('a@b/two')
  t.false(bounces.mayTell(1, 'a@b/one'))
  bounces.heard('a@b')
  t.false(bounces.mayTell(1, 'a@b/one'))
  bounces.heard('a@b/one')
  t.true(bounces.mayTell(1, 'a@b/one'))
})

test('what is remembered is bounded: the first is told again', (t) => {
  const { bounces } = scene()
  for (let n = 0; n <= 100_000; n++) bounces.failed(1, `${n}@b`, gone)
  t.is(bounces.size, 100_000)
  t.true(bounces.mayTell(1, '0@b'))
  t.false(bounces.mayTell(1, '1@b'))
})
