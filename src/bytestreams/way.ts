import type { BytestreamError } from '../core/index.ts'
import type { DstAddr } from '../socks5/index.ts'
import type { StreamhostAddress } from '../xep/index.ts'
import type { Timings } from './timings.ts'

/** Which streamhosts to offer: our own addresses, proxies, or the one before the other. */
export type StreamhostChoice = 'auto' | 'direct' | 'proxy'

/** Which way to go: over streamhosts, in band, or in band only when there is no other. */
export type MethodChoice = StreamhostChoice | 'ibb'

/** Which streamhosts a bytestream may use, and how long getting there may take. */
export interface StreamhostsInit {
  /** Only this proxy, instead of those of the account's server; with the methods `auto` and `proxy`. The other side may name its own. */
  readonly proxy?: string | undefined
  /** Addresses to offer for a direct connection; those of this machine where it is left out. */
  readonly ownHosts?: readonly string[] | undefined
  /** Those that are left out are as usual. */
  readonly timings?: Partial<Timings> | undefined
  /** Ends it, whatever it is doing. */
  readonly signal?: AbortSignal | undefined
}

/** Which way a bytestream goes. */
export interface WayInit extends StreamhostsInit {
  /**
   * Default `auto`: direct or through a proxy, whichever works, and in band where neither does. With `proxy` and `ibb` none of our
   * own addresses is told to the other side, nor is it connected to.
   */
  readonly method?: MethodChoice | undefined
}

/** Facts about a negotiation, from the requester's side. */
export type RequesterStep =
  | { readonly step: 'offered'; readonly streamhosts: readonly StreamhostAddress[]; readonly dstAddr: DstAddr }
  /** The streamhost both can reach, and where that is a proxy, why it is no direct connection. */
  | { readonly step: 'used'; readonly jid: string; readonly method: 'direct' | 'proxy'; readonly reason?: string | undefined }
  | { readonly step: 'connected'; readonly streamhost: StreamhostAddress; readonly dstAddr: DstAddr }
  | { readonly step: 'activated'; readonly jid: string }
  | { readonly step: 'proxy failed'; readonly jid: string; readonly error: BytestreamError }

/** Facts about a negotiation, from the side that offers the stream. */
export type InitiatorStep =
  | RequesterStep
  | { readonly step: 'accepted' }
  /** The way that was not asked for, and why. */
  | { readonly step: 'in band'; readonly reason: string }
  /** What the router forwards to this machine, where that was asked for, or why it does not. */
  | { readonly step: 'port mapped'; readonly host: string; readonly port: number }
  | { readonly step: 'port not mapped'; readonly reason: string }
