import test from 'ava'
import { systemClock } from '../../src/core/index.ts'

test('the clock of this machine does not go back', (t) => {
  const before = systemClock.now()
  t.true(systemClock.now() >= before)
})

test('a timer fires once', async (t) => {
  let fired = 0
  await new Promise<void>((resolve) =>
    systemClock.after(0, () => {
      fired += 1
      setImmediate(resolve)
    }),
  )
  t.is(fired, 1)
})

test('a timer that was called off does not fire', async (t) => {
  systemClock.after(0, () => t.fail())()
  await new Promise<void>((resolve) => systemClock.after(1, resolve))
  t.pass()
})

test('a timer longer than a Node timer can be waits all the same', async (t) => {
  const cancels = [2 ** 31, 90 * 86_400_000, Number.POSITIVE_INFINITY].map((ms) => systemClock.after(ms, () => t.fail()))
  // Node would let each of them fire after a millisecond, before the one that is set behind them.
  await new Promise<void>((resolve) => systemClock.after(2, resolve))
  for (const cancel of cancels) cancel()
  t.pass()
})
