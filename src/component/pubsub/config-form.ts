import { BytestreamError } from '../../core/index.ts'
import type { AccessModel, ConfigChange, NodeConfig, NodeKind } from '../../pubsub/index.ts'
import { type DataForm, type FormField, pubsubForms } from '../../xep/index.ts'
import { accounts, checkFixed, choice, type Field, list, numberOrMax, readField, text, writeField, yesOrNo } from './fields.ts'

const accessModels: Readonly<Record<AccessModel, string>> = {
  open: 'Everybody',
  presence: "Whoever sees an owner's presence",
  roster: "Whoever is in certain groups of an owner's contacts",
  authorize: 'Subscribers, whom an owner approves',
  whitelist: 'Members only',
}

type NodeFields = { readonly [Key in keyof NodeConfig]: Field<NodeConfig[Key]> & { readonly of?: NodeKind } }

/** Every setting of a node, as a field of XEP-0060 §16.4.4 or XEP-0248. */
const fields: NodeFields = {
  title: { name: 'pubsub#title', label: 'Name', ...text },
  description: { name: 'pubsub#description', label: 'Description', ...text },
  language: { name: 'pubsub#language', label: 'Language of what is published', ...text },
  payloadType: { name: 'pubsub#type', label: 'Namespace payloads must have; empty: any', ...text, of: 'leaf' },
  contact: { name: 'pubsub#contact', label: 'Whom to ask about it', ...list('jid-multi') },

  accessModel: {
    ...{ name: 'pubsub#access_model', label: 'Who may subscribe and retrieve items', ...choice(accessModels) },
    code: 'ERR_PUBSUB_ACCESS_MODEL',
  },
  rosterGroups: { name: 'pubsub#roster_groups_allowed', label: 'Groups that may, with the access model "roster"', ...list('text-multi') },
  publishModel: {
    ...{ name: 'pubsub#publish_model', label: 'Who may publish, besides owners and publishers', of: 'leaf' },
    ...choice({ publishers: 'Nobody', subscribers: 'Subscribers', open: 'Everybody' }),
  },
  subscribe: { name: 'pubsub#subscribe', label: 'Whether it takes subscriptions', ...yesOrNo },

  persistItems: { name: 'pubsub#persist_items', label: 'Whether items are kept', ...yesOrNo, of: 'leaf' },
  maxItems: { name: 'pubsub#max_items', label: 'How many items are kept; max: as many as can be', ...numberOrMax(), of: 'leaf' },
  itemExpireMs: {
    ...{ name: 'pubsub#item_expire', label: 'For how many seconds an item is kept; max: for ever', of: 'leaf' },
    ...numberOrMax(1000),
  },
  maxPayloadBytes: {
    ...{ name: 'pubsub#max_payload_size', label: 'How many octets a payload may have; max: as many as can be', of: 'leaf' },
    ...numberOrMax(),
  },
  whenFull: {
    ...{ name: 'pubsub#publish_node_full', label: 'What happens to an item that is one too many', of: 'leaf' },
    ...choice({
      'retract-oldest': 'The oldest one goes, and subscribers are told if they are told of retractions',
      'discard-oldest': 'The oldest one goes',
      reject: 'It is refused',
    }),
  },

  deliverNotifications: { name: 'pubsub#deliver_notifications', label: 'Whether subscribers are notified', ...yesOrNo },
  deliverPayloads: { name: 'pubsub#deliver_payloads', label: 'Whether notifications have payloads', ...yesOrNo },
  notificationType: {
    ...{ name: 'pubsub#notification_type', label: 'Type of the messages subscribers get' },
    ...choice({ headline: 'Headline: not kept for who is offline', normal: 'Normal' }),
  },
  notifyConfig: { name: 'pubsub#notify_config', label: 'Whether subscribers hear of another configuration', ...yesOrNo },
  notifyDelete: { name: 'pubsub#notify_delete', label: 'Whether subscribers hear when the node is deleted', ...yesOrNo },
  notifyRetract: { name: 'pubsub#notify_retract', label: 'Whether subscribers hear of items that are retracted', ...yesOrNo, of: 'leaf' },
  notifySub: { name: 'pubsub#notify_sub', label: 'Whether owners hear who subscribes and unsubscribes', ...yesOrNo },
  sendLastPublishedItem: {
    ...{ name: 'pubsub#send_last_published_item', label: 'When the last item is sent', of: 'leaf' },
    ...choice({ never: 'Never', on_sub: 'To a new subscriber' }),
  },
  itemReply: {
    ...{ name: 'pubsub#itemreply', label: 'Whom an item names as its publisher', of: 'leaf' },
    ...choice({ none: 'Nobody', publisher: 'Whoever published it', owner: 'An owner' }),
  },

  childrenAssociationPolicy: {
    ...{ name: 'pubsub#children_association_policy', label: 'Who may put nodes into it', of: 'collection' },
    ...choice({ owners: 'Its owners', whitelist: 'Its owners, and a list', all: 'Everybody' }),
  },
  childrenAssociationWhitelist: {
    ...{ name: 'pubsub#children_association_whitelist', label: 'That list', of: 'collection' },
    ...accounts,
  },
  childrenMax: {
    name: 'pubsub#children_max',
    label: 'How many nodes it takes; max: as many as can be',
    ...numberOrMax(),
    of: 'collection',
  },
}

const nodeType: Field<NodeKind> = {
  ...{ name: 'pubsub#node_type', label: 'What it holds' },
  ...choice({ leaf: 'Items', collection: 'Nodes' }),
}
const collection: Field<string> = { name: 'pubsub#collection', label: 'The collection it is in', ...text }

/** What depends on presence, which a component is not told (XEP-0060 §12.5-§12.7), and lists a collection keeps itself. */
const fixed = {
  'pubsub#presence_based_delivery': ['0', 'false'],
  'pubsub#purge_offline': ['0', 'false'],
  'pubsub#tempsub': ['0', 'false'],
  'pubsub#children': [''],
}

const keys = Object.keys(fields) as readonly (keyof NodeConfig)[]

function writeSetting<Key extends keyof NodeConfig>(key: Key, config: NodeConfig): FormField {
  return writeField(fields[key], config[key])
}

/** A node as the form of its configuration shows it. */
export interface Configured {
  readonly kind: NodeKind
  readonly config: NodeConfig
  readonly collection?: string | undefined
}

/** @param offered the access models there are now; that of the node is one of its own, whatever the server has withdrawn */
export function buildConfigForm(
  { kind, config, collection: inside = '' }: Configured,
  type: 'form' | 'result',
  offered: readonly AccessModel[],
): DataForm {
  const models = [...offered, config.accessModel]
  const shown = keys.filter((key) => (fields[key].of ?? kind) === kind && (key !== 'rosterGroups' || models.includes('roster')))
  const written = shown.map((key) => {
    const field = writeSetting(key, config)
    if (key !== 'accessModel') return field
    return { ...field, options: field.options?.filter(({ value }) => models.includes(value as AccessModel)) ?? [] }
  })
  const all = [{ ...writeField(nodeType, kind), options: [] }, ...written, writeField(collection, inside)]
  const inForm = (field: FormField): FormField => (type === 'form' ? field : { var: field.var, values: field.values })
  return { type, formType: pubsubForms.nodeConfig, fields: all.map(inForm) }
}

/** What a form wants a node to be like; fields nobody knows are passed over (XEP-0004 §3.2). */
export function readConfig(form: DataForm): { readonly kind: NodeKind | undefined; readonly change: ConfigChange } {
  checkFixed(form, fixed, 'ERR_NOT_ACCEPTABLE')
  const change: Record<string, unknown> = {}
  for (const key of keys) {
    const value = readField<unknown>(form, fields[key] as Field<unknown>, 'ERR_NOT_ACCEPTABLE')
    if (value !== undefined) change[key] = value
  }
  const inside = readField(form, collection, 'ERR_NOT_ACCEPTABLE')
  if (inside !== undefined) change['collection'] = inside
  return { kind: readField(form, nodeType, 'ERR_NOT_ACCEPTABLE'), change }
}

/**
 * What a publisher wants the node to be like (XEP-0060 §7.1.5).
 *
 * @throws BytestreamError `ERR_PUBSUB_PRECONDITION` for fields nobody knows, and values no node can have
 */
export function readPublishOptions(form: DataForm): ConfigChange {
  const known = new Set([...keys.map((key) => fields[key].name), ...Object.keys(fixed), nodeType.name, collection.name])
  const unknown = form.fields.find((field) => !known.has(field.var))
  if (unknown) throw new BytestreamError('ERR_PUBSUB_PRECONDITION', `"${unknown.var.slice(0, 100)}" is nothing a node has`)
  checkFixed(form, fixed, 'ERR_PUBSUB_PRECONDITION')
  const options: Record<string, unknown> = {}
  for (const key of keys) {
    const value = readField<unknown>(
      form,
      { ...(fields[key] as Field<unknown>), code: 'ERR_PUBSUB_PRECONDITION' },
      'ERR_PUBSUB_PRECONDITION',
    )
    if (value !== undefined) options[key] = value
  }
  const inside = readField(form, collection, 'ERR_PUBSUB_PRECONDITION')
  if (inside !== undefined) options['collection'] = inside
  // Items are published to a leaf, whatever else is said.
  if (readField(form, nodeType, 'ERR_PUBSUB_PRECONDITION') === 'collection') {
    throw new BytestreamError('ERR_PUBSUB_PRECONDITION', 'nothing is published to a collection')
  }
  return options
}
