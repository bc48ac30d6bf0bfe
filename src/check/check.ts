import { BytestreamError, bareJid, orAbort, prepareJid, startDeadline, systemClock, throwIfAborted } from '../core/index.ts'
import type { StreamhostAddress } from '../xep/index.ts'
import { type CheckComponents, type Finding, failed, type Knowledge, type Probe, skipped, type Verdict } from './probe.ts'
import { probes } from './probes.ts'
import { Sockets } from './raw-socket.ts'
import { type CheckTimings, defaultCheckTimings } from './timings.ts'

/** Which proxies are tested, and by whom. */
export interface CheckInit {
  /** The proxy's JID. */
  readonly proxy: string
  readonly timings?: Partial<CheckTimings>
  readonly signal?: AbortSignal | undefined
}

/** What one probe found. */
export interface CheckResult extends Finding {
  /** The proxy's JID. */
  readonly proxy: string
  readonly probe: string
  readonly section: string
  /** What the probe proves. */
  readonly proves: string
  /** The streamhost it was tried on; none where it was asked over XMPP alone. */
  readonly streamhost: StreamhostAddress | undefined
  /** What an admin does about it; only with a failure or a warning. */
  readonly remedy: string | undefined
  readonly durationMs: number
}

/** Errors that end the check, since they say nothing about the proxy. What is no BytestreamError is a defect of ours. */
const isOurs = (error: BytestreamError): boolean => error.code === 'ERR_ABORTED' || error.code === 'ERR_SESSION_CLOSED'

/**
 * Tests a bytestream proxy from outside, one probe after the other. Both ends of every bytestream are sockets of ours: a
 * proxy cannot tell. Nothing is left open afterwards, also when the caller stops early.
 *
 * @throws BytestreamError `ERR_ABORTED`, `ERR_SESSION_CLOSED`, `ERR_JID_MALFORMED`; what is wrong with the proxy is a result
 * @see XEP-0065
 */
export async function* checkProxy(components: CheckComponents, init: CheckInit): AsyncGenerator<CheckResult, void, undefined> {
  const run = new CheckRun(components, { ...init, proxy: prepareJid(init.proxy) })
  for (const probe of probes.filter(({ scope }) => scope === 'proxy')) yield await run.try(probe, undefined)
  const { streamhosts } = run.knowledge
  for (const streamhost of streamhosts.length > 0 ? streamhosts : [undefined]) {
    for (const probe of probes.filter(({ scope }) => scope === 'each')) yield await run.try(probe, streamhost)
  }
  const through = run.firstThatWorks()
  for (const probe of probes.filter(({ scope }) => scope === 'one')) yield await run.try(probe, through)
}

class CheckRun {
  readonly knowledge: Knowledge = { streamhosts: [], resolved: new Map() }
  readonly #components: CheckComponents
  readonly #init: CheckInit
  readonly #timings: CheckTimings
  readonly #verdicts = new Map<StreamhostAddress | undefined, Map<string, Verdict>>()

  constructor(components: CheckComponents, init: CheckInit) {
    this.#components = components
    this.#init = init
    this.#timings = { ...defaultCheckTimings, ...init.timings }
  }

  async try(probe: Probe, streamhost: StreamhostAddress | undefined): Promise<CheckResult> {
    const { clock = systemClock } = this.#components
    const startedMs = clock.now()
    const missing = probe.needs.find((id) => !this.#hasPassed(id, streamhost))
    const finding = missing ? skipped(`"${missing}" did not pass`) : await this.#run(probe, streamhost)
    const verdicts = this.#verdicts.get(streamhost) ?? new Map<string, Verdict>()
    this.#verdicts.set(streamhost, verdicts.set(probe.id, finding.verdict))
    const { id, section, proves, remedy } = probe
    return {
      ...finding,
      proxy: this.#init.proxy,
      probe: id,
      section,
      proves,
      streamhost,
      remedy: finding.verdict === 'failed' || finding.verdict === 'warning' ? remedy : undefined,
      durationMs: clock.now() - startedMs,
    }
  }

  /** The streamhost that files get through, or else the first. */
  firstThatWorks(): StreamhostAddress | undefined {
    const { streamhosts } = this.knowledge
    return streamhosts.find((streamhost) => this.#hasPassed('target-first', streamhost)) ?? streamhosts[0]
  }

  #hasPassed(id: string, streamhost: StreamhostAddress | undefined): boolean {
    const verdict = this.#verdicts.get(streamhost)?.get(id) ?? this.#verdicts.get(undefined)?.get(id)
    return verdict === 'passed' || verdict === 'warning'
  }

  async #run(probe: Probe, streamhost: StreamhostAddress | undefined): Promise<Finding> {
    const { session, peer, stranger, clock = systemClock } = this.#components
    const { proxy, signal } = this.#init
    const timings = this.#timings
    throwIfAborted(signal)
    const message = `not done within ${timings.probeMsMax / 1000} s`
    using deadline = startDeadline(clock, timings.probeMsMax, 'ERR_TIMEOUT', message, signal)
    using sockets = new Sockets(clock)
    const targetJid = peer?.jid ?? `${bareJid(session.jid)}/streamhost-check`
    const context = {
      proxy,
      session,
      peer,
      stranger,
      clock,
      targetJid,
      timings,
      signal: deadline.signal,
      sockets,
      knowledge: this.knowledge,
      streamhost,
    }
    try {
      return await orAbort(probe.run(context), deadline.signal)
    } catch (thrown) {
      if (!(thrown instanceof BytestreamError) || isOurs(thrown)) throw thrown
      return failed(thrown.message, thrown)
    }
  }
}
