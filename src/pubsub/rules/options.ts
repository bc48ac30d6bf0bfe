import { BytestreamError } from '../../core/index.ts'
import type { PubsubLimits } from '../bounds.ts'
import type { NodeKind, SubscriptionOptions } from '../records.ts'
import { checkPatterns } from './routing-keys.ts'

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
export const optionDefaults: Required<SubscriptionOptions> = { deliver: true, type: 'items', depth: 1, queue: false, keys: [] }

const names = Object.keys(optionDefaults) as readonly (keyof SubscriptionOptions)[]

/**
 * @param limits a lease is cut to what is in them (XEP-0060 §12.19)
 * @throws BytestreamError `ERR_PUBSUB_INVALID_OPTIONS`
 */
export function changeOptions(
  before: Options,
  change: OptionsChange,
  kind: NodeKind,
  nowMs: number,
  limits: Pick<PubsubLimits, 'leaseMsMax' | 'keysPerSubscriptionMax'>,
): Options {
  if (change.digest) throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'there are no digests')
  if (change.includeBody) throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'payloads are not turned into text')
  if (kind === 'leaf' && change.type === 'nodes') throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'there are no nodes in a leaf')
  if (kind === 'collection' && (change.queue || (change.keys ?? []).length > 0)) {
    throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'queues and keys are for leaf nodes: subscribe to those in the collection')
  }
  const wanted = change.keys ? { ...change, keys: checkPatterns(change.keys, limits.keysPerSubscriptionMax) } : change
  const options: SubscriptionOptions = {}
  for (const name of names) {
    const value = wanted[name] ?? before.options?.[name]
    if (value !== undefined && !isSameOption(value, optionDefaults[name])) Object.assign(options, { [name]: value })
  }
  return {
    options: Object.keys(options).length === 0 ? undefined : options,
    expiresMs: change.expiresMs === undefined ? before.expiresMs : leaseUntil(change.expiresMs, nowMs, limits.leaseMsMax),
  }
}

/** Whether two subscriptions would be told the same, for as long. */
export const isSameChoice = (one: Options, other: Options): boolean =>
  one.expiresMs === other.expiresMs && names.every((name) => isSameOption(one.options?.[name], other.options?.[name]))

type Option = SubscriptionOptions[keyof SubscriptionOptions]

/** Keys are in order. */
const isSameOption = (one: Option, other: Option) =>
  typeof one === 'object' && typeof other === 'object' ? one.join('\n') === other.join('\n') : one === other

/** Whether a lease has come to its end, swept or not. */
export function isOver({ expiresMs }: Pick<Options, 'expiresMs'>, nowMs: number): boolean {
  return expiresMs !== undefined && expiresMs <= nowMs
}

function leaseUntil(expiresMs: number | null, nowMs: number, leaseMsMax: number): number | undefined {
  if (expiresMs === null) return undefined
  if (!(expiresMs > nowMs)) throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', 'the lease would be over already')
  return Math.min(expiresMs, nowMs + leaseMsMax)
}
