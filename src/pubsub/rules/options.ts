import { BytestreamError } from '../../core/index.ts'
import type { NodeKind, SubscriptionOptions } from '../records.ts'

/** What a subscriber asks for; what is missing stays as it is. */
export interface OptionsChange extends SubscriptionOptions {
  /** When the lease shall end, in milliseconds since 1970; `null` for never. */
  readonly expiresMs?: number | null | undefined
  /** Digests are not made: only `false` can be had. */
  readonly digest?: boolean | undefined
  /** XEP-0060 §12.8: there is no body unless a payload is understood, and none is. */
  readonly includeBody?: boolean | undefined
}

export interface Options {
  readonly options: SubscriptionOptions | undefined
  readonly expiresMs: number | undefined
}

/** What holds where nothing was set. */
export const optionDefaults = { deliver: true, type: 'items', depth: 1 } as const satisfies Required<SubscriptionOptions>

const keys = ['deliver', 'type', 'depth'] as const

/**
 * @param leaseMsMax a lease is cut to it (XEP-0060 §12.19)
 * @throws BytestreamError `ERR_PUBSUB_INVALID_OPTIONS`
 */
export function changeOptions(before: Options, change: OptionsChange, kind: NodeKind, nowMs: number, leaseMsMax: number): Options {
  if (change.digest) throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'there are no digests')
  if (change.includeBody) throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'payloads are not turned into text')
  if (kind === 'leaf' && change.type === 'nodes') throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'there are no nodes in a leaf')
  const options: { deliver?: boolean; type?: 'items' | 'nodes'; depth?: 1 | 'all' } = {}
  for (const key of keys) {
    const value = change[key] ?? before.options?.[key]
    if (value !== undefined && value !== optionDefaults[key]) Object.assign(options, { [key]: value })
  }
  return {
    options: Object.keys(options).length === 0 ? undefined : options,
    expiresMs: change.expiresMs === undefined ? before.expiresMs : leaseUntil(change.expiresMs, nowMs, leaseMsMax),
  }
}

/** Whether a lease has come to its end, swept or not. */
export function isOver({ expiresMs }: Pick<Options, 'expiresMs'>, nowMs: number): boolean {
  return expiresMs !== undefined && expiresMs <= nowMs
}

function leaseUntil(expiresMs: number | null, nowMs: number, leaseMsMax: number): number | undefined {
  if (expiresMs === null) return undefined
  if (!(expiresMs > nowMs)) throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'the lease would be over already')
  return Math.min(expiresMs, nowMs + leaseMsMax)
}
