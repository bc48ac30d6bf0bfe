// Goal: a service that keeps queues knows who is there, whatever happened to it when they came. Method: the embedded server, a component
// in place of the service, which is away, dies, and comes back; a client whose time goes by fast.

import { EventEmitter, once } from 'node:events'
import test from 'ava'
import { type Clock, systemClock } from '../../src/core/index.ts'
import { Attendance } from '../../src/feeds/attendance.ts'
import type { Session } from '../../src/session/index.ts'
import { NS } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

const SERVICE = 'feeds.localhost'

/** Presence that a service has heard. */
const heardBy = async (service: Session) => {
  const [{ from, type }] = await once(service, 'presence')
  return { from, type }
}

test('who watches is shown to a service until that says it has heard: it may be away, or die with what it heard', async (t) => {
  const network = await startNetwork(t, ['wall'], [SERVICE])
  let speed = 1
  const clock: Clock = { now: () => systemClock.now(), after: (ms, callback) => systemClock.after(ms / speed, callback) }
  const client = await network.connect('wall', {}, { clock })
  speed = 50 // Logging in has all its time.
  const there = { from: client.jid, type: 'available' }
  using _ = new Attendance(client, clock).attend(SERVICE, {}, { hasQueues: true })
  const dying = await network.plugIn(SERVICE)
  let asked = (_: unknown) => {}
  const question = new Promise((resolve) => {
    asked = resolve
  })
  dying.iqs.handle('set', NS.feeds, 'ack', () => {
    asked(undefined)
    return new Promise(() => {})
  })
  t.like(await heardBy(dying), there)
  await question
  await dying.stop()

  const service = await network.plugIn(SERVICE)
  const answered = new Promise<number>((resolve) => {
    service.iqs.handle('set', NS.feeds, 'ack', async ({ payload }) => {
      resolve(payload.children.length)
      return undefined
    })
  })
  t.like(await heardBy(service), there)
  t.is(await answered, 0)
})

test('who watches is shown to a service again after a while, which may have heard late that a former connection is gone', async (t) => {
  const network = await startNetwork(t, ['wall'], [SERVICE])
  const service = await network.plugIn(SERVICE)
  service.iqs.handle('set', NS.feeds, 'ack', () => Promise.resolve(undefined))
  const client = await network.connect('wall')
  const there = { from: client.jid, type: 'available' }
  const clock = new FakeClock()
  const pause = new EventEmitter()
  const told: Clock = {
    now: () => clock.now(),
    after: (ms, callback) => {
      setImmediate(() => pause.emit('begun'))
      return clock.after(ms, callback)
    },
  }
  const [first, begun] = [heardBy(service), once(pause, 'begun')]
  const attendance = new Attendance(client, told)
  using _ = attendance.attend(SERVICE, {}, { hasQueues: true })
  t.like(await first, there)
  await begun
  const isShownAfter = async (...pausesMsMax: readonly number[]) => {
    for (const atMostMs of pausesMsMax) {
      const [again, next] = [heardBy(service), once(pause, 'begun')]
      clock.advance(atMostMs / 2 - 1)
      t.is(clock.waiting, 1)
      clock.advance(atMostMs / 2 + 1)
      t.like(await again, there)
      await next
    }
  }
  await isShownAfter(10_000, 20_000, 40_000)
  // Who begins to watch as well is shown at once, and soon again.
  const [anew, next] = [heardBy(service), once(pause, 'begun')]
  using _other = attendance.attend(SERVICE, {}, { hasQueues: true })
  t.like(await anew, there)
  await next
  await isShownAfter(10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000)
})

test('a service that keeps no queues is shown it, and not asked', async (t) => {
  const network = await startNetwork(t, ['wall'], [SERVICE])
  const service = await network.plugIn(SERVICE)
  const client = await network.connect('wall')
  let questions = 0
  service.iqs.handle('set', NS.feeds, 'ack', async () => {
    questions += 1
    return undefined
  })
  const heard = heardBy(service)
  const attending = new Attendance(client, systemClock).attend(SERVICE, {}, { hasQueues: false })
  t.like(await heard, { from: client.jid, type: 'available' })
  const gone = heardBy(service)
  attending[Symbol.dispose]()
  t.like(await gone, { from: client.jid, type: 'unavailable' })
  t.is(questions, 0)
})
