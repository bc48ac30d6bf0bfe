import { defaultTimings, type Timings } from '../bytestreams/index.ts'
import { BytestreamError, bareJid, formatDuration, prepareJid, startDeadline, systemClock } from '../core/index.ts'
import type { Run } from './command-line.ts'

/** Settings of how long each step may take, in milliseconds. */
interface StepSettings {
  readonly 'answer-time-max'?: number
  readonly 'open-time-max'?: number | undefined
  readonly 'connect-time-max': number
}

/** How long each step of a transfer may take. Who gives the receiver more time gives the whole more. */
export function timingsOf(settings: StepSettings): Partial<Timings> {
  const { overallMsMax, answerMsMax } = defaultTimings
  const { 'answer-time-max': answerMs = answerMsMax, 'open-time-max': openMs, 'connect-time-max': attemptMsMax } = settings
  return { answerMsMax: answerMs, overallMsMax: openMs ?? Math.max(overallMsMax, answerMs + overallMsMax - answerMsMax), attemptMsMax }
}

/**
 * One device of an account.
 *
 * @param option where the JID is from
 * @throws BytestreamError `ERR_CONFIG` when that names a device already, `ERR_JID_MALFORMED`
 */
export function withResource(option: string, jid: string, resource: string | undefined): string {
  if (resource === undefined) return jid
  if (bareJid(jid) !== jid) throw new BytestreamError('ERR_CONFIG', `--resource: --${option} ${jid} names a device already`)
  return prepareJid(`${jid}/${resource}`)
}

/** A run of a command that ends at its deadline, if it has one. */
export function within(ms: number | undefined, run: Run, what: string): Disposable & { readonly run: Run } {
  if (ms === undefined) return { run, [Symbol.dispose]: () => {} }
  const deadline = startDeadline(systemClock, ms, 'ERR_TIMEOUT', `${what} within ${formatDuration(ms)}`, run.signal)
  return { run: { ...run, signal: deadline.signal }, [Symbol.dispose]: () => deadline[Symbol.dispose]() }
}
