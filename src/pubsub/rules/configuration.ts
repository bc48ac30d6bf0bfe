import { BytestreamError } from '../../core/index.ts'
import type { PubsubLimits } from '../bounds.ts'
import { type AccessModel, type NodeConfig, nodeDefaults } from '../node-config.ts'

/** The most of what can be counted, by field. */
function greatest(limits: PubsubLimits) {
  return {
    maxItems: limits.itemsPerNodeMax,
    maxPayloadBytes: limits.payloadBytesMax,
    itemExpireMs: Number.MAX_SAFE_INTEGER,
    childrenMax: limits.childrenPerCollectionMax,
  } satisfies Partial<Record<keyof NodeConfig, number>>
}

const refuse = (message: string) => new BytestreamError('ERR_NOT_ACCEPTABLE', message)

/**
 * XEP-0060 §8.2.5.2: whether a node can be so.
 *
 * @param offered the access models there are
 * @throws BytestreamError `ERR_PUBSUB_ACCESS_MODEL`, `ERR_NOT_ACCEPTABLE`
 */
export function checkConfig(config: Partial<NodeConfig>, offered: readonly AccessModel[], limits: PubsubLimits): void {
  if (config.accessModel !== undefined && !offered.includes(config.accessModel)) {
    throw new BytestreamError('ERR_PUBSUB_ACCESS_MODEL', `the access model ${config.accessModel} is not offered`)
  }
  for (const [field, max] of Object.entries(greatest(limits))) {
    const value = config[field as keyof ReturnType<typeof greatest>]
    if (typeof value === 'number' && !(Number.isSafeInteger(value) && value >= 0 && value <= max)) throw refuse(`${field} is 0 to ${max}`)
  }
  if (config.maxItems === 0) throw refuse('a node that keeps no items is one that does not persist them')
  for (const [field, value] of Object.entries(config)) {
    const texts = Array.isArray(value) ? (value as readonly string[]) : typeof value === 'string' ? [value] : []
    if (texts.length > limits.valuesMax) throw refuse(`${field} has at most ${limits.valuesMax} values`)
    if (texts.some((text) => Buffer.byteLength(text) > limits.textBytesMax))
      throw refuse(`${field} has at most ${limits.textBytesMax} octets`)
  }
}

const fields = Object.keys(nodeDefaults) as readonly (keyof NodeConfig)[]

/** The fields of `config` that are not as `other` has them. */
export function differing(config: Partial<NodeConfig>, other: NodeConfig): Partial<NodeConfig> {
  const unlike = fields.filter((field) => config[field] !== undefined && !isSame(config[field], other[field]))
  return Object.fromEntries(unlike.map((field) => [field, config[field]]))
}

/** Lists are the same in any order. */
function isSame(one: NodeConfig[keyof NodeConfig] | undefined, other: NodeConfig[keyof NodeConfig]): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other
  return one.length === other.length && one.every((value) => other.includes(value))
}
