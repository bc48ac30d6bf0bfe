import { once } from 'node:events'
import test from 'ava'
import { Output } from '../../src/cli/output.ts'
import { timingsOf, within, withResource } from '../../src/cli/way.ts'
import { silentLogger } from '../../src/core/index.ts'
import { TestTerminal } from '../helpers/terminal.ts'

test('the time for an answer, and for all until octets flow, are settings; who waits longer for an answer waits longer for all', (t) => {
  const usual = { 'answer-time-max': 90_000, 'connect-time-max': 10_000 }
  t.deepEqual(timingsOf(usual), { answerMsMax: 90_000, overallMsMax: 120_000, attemptMsMax: 10_000 })
  t.is(timingsOf({ ...usual, 'answer-time-max': 600_000 }).overallMsMax, 630_000)
  t.is(timingsOf({ ...usual, 'answer-time-max': 1_000 }).overallMsMax, 120_000)
  t.like(timingsOf({ ...usual, 'answer-time-max': 600_000, 'open-time-max': 5_000 }), { overallMsMax: 5_000, answerMsMax: 600_000 })
  t.is(timingsOf({ ...usual, 'connect-time-max': 1_000 }).attemptMsMax, 1_000)
})

test('a resource makes one device of an account, which must not name one already', (t) => {
  t.is(withResource('to', 'desk@example.org', undefined), 'desk@example.org')
  t.is(withResource('to', 'desk@example.org/home', undefined), 'desk@example.org/home')
  t.is(withResource('to', 'desk@example.org', 'home'), 'desk@example.org/home')
  const message = '--resource: --to desk@example.org/home names a device already'
  t.throws(() => withResource('to', 'desk@example.org/home', 'work'), { code: 'ERR_CONFIG', message })
  t.throws(() => withResource('to', 'desk@example.org', 'x'.repeat(1_024)), { code: 'ERR_JID_MALFORMED' })
})

test('a command with a deadline ends at it with its own sentence, and with that of the user before', async (t) => {
  const stopping = new AbortController()
  const streams = { stdout: new TestTerminal(), stderr: new TestTerminal() }
  const run = {
    ...{ streams, environment: {}, signal: stopping.signal, onHangUp: () => {}, onExit: () => {} },
    ...{ output: new Output(streams, { isJson: false }), logger: silentLogger, endWith: () => {} },
  }
  t.is(within(undefined, run, 'nothing').run, run)
  using timed = within(1, run, 'not everything was sent')
  if (!timed.run.signal.aborted) await once(timed.run.signal, 'abort')
  t.like(timed.run.signal.reason, { code: 'ERR_TIMEOUT', message: 'not everything was sent within 1 ms' })
  t.false(stopping.signal.aborted)
  using longer = within(600_000, run, 'not everything was sent')
  stopping.abort()
  t.like(longer.run.signal.reason, { code: 'ERR_ABORTED' })
})
