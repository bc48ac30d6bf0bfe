import type { NodeKind, OptionsChange, SubscriptionSettings } from '../../pubsub/index.ts'
import { type DataForm, type FormField, feedOptions, pubsubForms } from '../../xep/index.ts'
import { checkFixed, choice, dateTime, type Field, list, readField, writeField, yesOrNo } from './fields.ts'

const deliver: Field<boolean> = { name: 'pubsub#deliver', label: 'Whether notifications are sent', ...yesOrNo }
const expire: Field<number | null> = { name: 'pubsub#expire', label: 'When the subscription ends; empty: never', ...dateTime }
const type: Field<'items' | 'nodes'> = {
  ...{ name: 'pubsub#subscription_type', label: 'What is told' },
  ...choice({ items: 'What is published', nodes: 'Nodes that come and go' }),
}
const depth: Field<'1' | 'all'> = {
  ...{ name: 'pubsub#subscription_depth', label: 'Of which nodes' },
  ...choice<'1' | 'all'>({ '1': 'Those in the collection itself', all: 'Also those further down' }),
}

const queue: Field<boolean> = { name: feedOptions.queue, label: 'Whether what is published waits until it is taken', ...yesOrNo }
const keys: Field<readonly string[]> = {
  ...{ name: feedOptions.keys, label: 'Patterns of routing keys: * for a word, # for any; none for all' },
  ...list('text-multi'),
}

/** XEP-0060 §12.8: nobody here turns payloads into text, or gathers them. */
const fixed = { 'pubsub#digest': ['0', 'false'], 'pubsub#include_body': ['0', 'false'] }

const CODE = 'ERR_PUBSUB_INVALID_OPTIONS'

/** XEP-0060 §6.3.3, §16.4.2 */
export function buildOptionsForm(options: SubscriptionSettings, formType: 'form' | 'result', kind: NodeKind): DataForm {
  const ofCollections = [writeField(type, options.type), writeField(depth, options.depth === 1 ? '1' : 'all')]
  const ofLeaves = [writeField(queue, options.queue), writeField(keys, options.keys)]
  const fields = [
    writeField(deliver, options.deliver),
    writeField(expire, options.expiresMs ?? null),
    ...(kind === 'collection' ? ofCollections : ofLeaves),
  ]
  const inForm = (field: FormField): FormField => (formType === 'form' ? field : { var: field.var, values: field.values })
  return { type: formType, formType: pubsubForms.subscribeOptions, fields: fields.map(inForm) }
}

/** @throws BytestreamError `ERR_PUBSUB_INVALID_OPTIONS` */
export function readOptions(form: DataForm): OptionsChange {
  checkFixed(form, fixed, CODE)
  const wanted = readField(form, depth, CODE)
  const change = {
    deliver: readField(form, deliver, CODE),
    expiresMs: readField(form, expire, CODE),
    type: readField(form, type, CODE),
    depth: wanted === undefined ? undefined : wanted === '1' ? (1 as const) : wanted,
    queue: readField(form, queue, CODE),
    keys: readField(form, keys, CODE),
  }
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
}
