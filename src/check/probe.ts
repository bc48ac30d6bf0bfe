import type { BytestreamError, Clock } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import type { DiscoInfo, StreamhostAddress } from '../xep/index.ts'
import type { Sockets } from './raw-socket.ts'
import type { CheckTimings } from './timings.ts'

/** `warning`: it works, but not for everybody. */
export type Verdict = 'passed' | 'warning' | 'failed' | 'skipped'

/** What a probe found, in a sentence without its full stop. */
export interface Finding {
  readonly verdict: Verdict
  readonly detail: string
  /** What was thrown, where something was. */
  readonly error?: BytestreamError
}

export const passed = (detail: string): Finding => ({ verdict: 'passed', detail })
export const warning = (detail: string): Finding => ({ verdict: 'warning', detail })
export const failed = (detail: string, error?: BytestreamError): Finding => ({ verdict: 'failed', detail, ...(error && { error }) })
export const skipped = (because: string): Finding => ({ verdict: 'skipped', detail: because })

/** Who takes part in a check. */
export interface CheckComponents {
  /** The account that asks: requester of every bytestream. */
  readonly session: Session
  /** Another address of the proxy's users, such as a second device of the account: the target of every bytestream. */
  readonly peer?: Session | undefined
  /** An account of another domain, which should be refused. */
  readonly stranger?: Session | undefined
  readonly clock?: Clock
}

/** What earlier probes learned about the proxy. */
export interface Knowledge {
  info?: DiscoInfo
  streamhosts: readonly StreamhostAddress[]
  /** Addresses each host resolves to. */
  readonly resolved: Map<StreamhostAddress, readonly string[]>
}

/** What a probe works with. */
export interface ProbeContext extends Omit<CheckComponents, 'clock'> {
  readonly clock: Clock
  /** The proxy's JID. */
  readonly proxy: string
  /** Given as the target's in every activation. */
  readonly targetJid: string
  readonly timings: CheckTimings
  readonly signal: AbortSignal
  readonly sockets: Sockets
  readonly knowledge: Knowledge
  /** The streamhost this run is about; none where the probe is over XMPP alone. */
  readonly streamhost: StreamhostAddress | undefined
}

/** One question to a proxy. */
export interface Probe {
  readonly id: string
  /** What it proves, in a sentence without its full stop. */
  readonly proves: string
  /** Section of XEP-0065, unless another specification is named. */
  readonly section: string
  /** What an admin does about a failure, or a warning; whole sentences. */
  readonly remedy: string
  /** Probes that have to pass first. */
  readonly needs: readonly string[]
  /** `proxy`: over XMPP, once; `each`: of each streamhost; `one`: through the first streamhost that carries octets. */
  readonly scope: 'proxy' | 'each' | 'one'
  /** What it throws is a failure, if it is a BytestreamError. */
  readonly run: (context: ProbeContext) => Promise<Finding>
}
