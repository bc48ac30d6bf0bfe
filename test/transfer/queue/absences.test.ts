import test from 'ava'
import { BytestreamError, StanzaError } from '../../../src/core/index.ts'
import { Absences, isAbsence } from '../../../src/transfer/queue/absences.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const sought = { to: 'desk@example.org', options: {} }

function start(msMax = 86_400_000) {
  const clock = new FakeClock()
  const looks: number[] = []
  return { clock, looks, absences: new Absences(clock, msMax, () => looks.push(clock.now())) }
}

test('who is not there is looked for after half a minute at most, then ever less often, and after a day no more', (t) => {
  const { clock, looks, absences } = start()
  const waits: number[] = []
  for (let look = 1; ; look++) {
    const next = absences.note(sought)
    if (!next) break
    t.is(next.look, look)
    t.deepEqual(absences.note(sought), next, 'of several that were tried at once the first has said it')
    t.true(absences.has(sought))
    clock.advance(next.retryMs - 1)
    t.true(absences.has(sought))
    clock.advance(1)
    t.false(absences.has(sought))
    waits.push(next.retryMs)
  }
  t.is(clock.now(), 86_400_000)
  t.is(looks.length, waits.length)
  t.true((waits[0] as number) >= 15_000 && (waits[0] as number) <= 30_000)
  t.true(waits.slice(6, -1).every((ms) => ms >= 300_000 && ms <= 600_000))
  t.true(waits.length < 300)
  absences.forget(sought)
  t.is(absences.note(sought)?.look, 1, 'once it was there, all begins anew')
})

test('with 0 nobody is waited for', (t) => {
  const { clock, absences } = start(0)
  t.is(absences.note(sought), undefined)
  t.false(absences.has(sought))
  t.is(clock.waiting, 0)
})

test("who shows its presence is looked for at once, but not again and again; others' presence is none of its", (t) => {
  const { clock, looks, absences } = start()
  absences.note(sought)
  absences.hear('other@example.org/a')
  t.deepEqual(looks, [])
  absences.hear('desk@example.org/a')
  t.deepEqual(looks, [0])
  t.is(clock.waiting, 0)
  const again = absences.note(sought)
  absences.hear('desk@example.org/a')
  t.is(looks.length, 1, 'it was there, and took nothing: its next presence changes nothing')
  clock.advance(again?.retryMs ?? 0)
  t.is(looks.length, 2)
  absences.note(sought)
  absences.hear('desk@example.org/b')
  t.is(looks.length, 3)
  absences.note({ to: 'desk@example.org/c', options: {} })
  absences.hear('desk@example.org/b')
  t.is(looks.length, 3, 'another of its devices')
  absences.hear('desk@example.org/c')
  t.is(looks.length, 4)
})

test('one that is not there for Jingle may be for stream initiation; nothing is timed any more at the end', (t) => {
  const { clock, absences } = start()
  absences.note({ ...sought, options: { negotiation: 'jingle' } })
  t.false(absences.has({ ...sought, options: { negotiation: 'si' } }))
  t.is(clock.waiting, 1)
  absences[Symbol.dispose]()
  t.is(clock.waiting, 0)
})

test('an absence is what may be otherwise later, not a refusal', (t) => {
  const answered = (condition: string, type: 'cancel' | 'wait') => new StanzaError({ type, condition } as never, '', 'desk@example.org')
  t.true(isAbsence(new BytestreamError('ERR_NO_RESOURCE', 'nobody')))
  t.true(isAbsence(answered('service-unavailable', 'cancel')))
  t.true(isAbsence(answered('resource-constraint', 'wait')))
  t.false(isAbsence(answered('forbidden', 'cancel')))
  t.false(isAbsence(new BytestreamError('ERR_DECLINED', 'no')))
})

/** Looks for one that is never there until it is given up. @returns how long that took */
function giveUp({ clock, absences }: ReturnType<typeof start>): number {
  const sinceMs = clock.now()
  for (let next = absences.note(sought); next; next = absences.note(sought)) clock.advance(next.retryMs)
  return clock.now() - sinceMs
}

test('what was handed over before one was given up is given up with it; for what comes later it has all of its time again', (t) => {
  const scene = start()
  t.is(giveUp(scene), 86_400_000)
  const { clock, absences } = scene
  const atTheEndMs = clock.now()
  clock.advance(10_000)
  for (const handedMs of [0, atTheEndMs - 1, atTheEndMs]) t.is(absences.note(sought, handedMs), undefined)
  const again = absences.note(sought, atTheEndMs + 1)
  t.is(again?.look, 1)
  t.true((again?.retryMs ?? 0) <= 30_000)
  clock.advance(again?.retryMs ?? 0)
  t.is(giveUp(scene) + (again?.retryMs ?? 0), 86_400_000)
  clock.advance(1)
  t.is(giveUp(scene), 86_400_000, 'and another time')
})

test('while we are offline ourselves nobody is waited for, however long that takes', (t) => {
  const scene = start()
  const { clock, absences } = scene
  const first = absences.note(sought)
  clock.advance(first?.retryMs ?? 0)
  absences.pause()
  clock.advance(90_000_000)
  absences.pause()
  clock.advance(90_000_000)
  absences.resume()
  absences.resume()
  t.is(giveUp(scene) + (first?.retryMs ?? 0), 86_400_000)
})
