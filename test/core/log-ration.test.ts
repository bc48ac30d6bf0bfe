import test from 'ava'
import { LogRation } from '../../src/core/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

test('the first is worth a line, the next only after a minute, with the number of those in between', (t) => {
  const clock = new FakeClock()
  const ration = new LogRation(clock)
  t.is(ration.take('full'), 0)
  t.is(ration.take('full'), undefined)
  clock.advance(59_999)
  t.is(ration.take('full'), undefined)
  clock.advance(1)
  t.is(ration.take('full'), 2)
  t.is(ration.take('full'), undefined)
  clock.advance(60_000)
  t.is(ration.take('full'), 1)
})

test('after a quiet time nothing was passed over', (t) => {
  const clock = new FakeClock()
  const ration = new LogRation(clock)
  ration.take('full')
  clock.advance(3_600_000)
  t.is(ration.take('full'), 0)
})

test('a flood of one reason takes no line from another', (t) => {
  const ration = new LogRation<'malformed' | 'full'>(new FakeClock())
  for (let count = 0; count < 1_000; count += 1) ration.take('malformed')
  t.is(ration.take('full'), 0)
  t.is(ration.take('malformed'), undefined)
})

test('it needs no timer', (t) => {
  const clock = new FakeClock()
  new LogRation(clock).take('full')
  t.is(clock.waiting, 0)
})
