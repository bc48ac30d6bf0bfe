import type { Asker, NodeRecord, Pubsub } from '../../pubsub/index.ts'
import type { DiscoItemsPage, DiscoNodes } from '../../session/index.ts'
import { type DataForm, type DiscoInfo, type FormField, formatDateTime, NS, type PageRequest, pubsubForms } from '../../xep/index.ts'
import type { Commands } from './commands.ts'
import { itemsPage, pageOf } from './pages.ts'

/** XEP-0060 §5.3, §5.4: everybody hears that there is a node, and of what kind; what it is for, who may find it. */
function describe(pubsub: Pubsub, asker: Asker, name: string): DiscoInfo {
  const { node, config } = pubsub.metadata(name)
  if (!pubsub.mayFind(asker, name)) return { identities: [{ category: 'pubsub', type: node.kind }], features: [NS.pubsub] }
  const identities = [{ category: 'pubsub', type: node.kind, name: config.title || undefined }]
  return { identities, features: [NS.pubsub], forms: [metaData(pubsub, name)] }
}

/** XEP-0060 §16.4.3: what is known; what is empty is left out. */
function metaData(pubsub: Pubsub, name: string): DataForm {
  const { node, config, collection, owners, subscribers } = pubsub.metadata(name)
  const ofLeaf: FormField[] = [
    { var: 'pubsub#type', type: 'text-single', label: 'Namespace of payloads', values: [config.payloadType] },
    { var: 'pubsub#publish_model', type: 'list-single', label: 'Who may publish', values: [config.publishModel] },
    { var: 'pubsub#max_items', type: 'text-single', label: 'Items that are kept', values: [String(config.maxItems)] },
  ]
  const fields: FormField[] = [
    { var: 'pubsub#title', type: 'text-single', label: 'Name', values: [config.title] },
    { var: 'pubsub#description', type: 'text-single', label: 'Description', values: [config.description] },
    { var: 'pubsub#language', type: 'text-single', label: 'Language', values: [config.language] },
    { var: 'pubsub#contact', type: 'jid-multi', label: 'Whom to ask about it', values: config.contact },
    { var: 'pubsub#creator', type: 'jid-single', label: 'Who created it', values: [node.creator] },
    { var: 'pubsub#creation_date', type: 'text-single', label: 'When', values: [formatDateTime(node.createdMs)] },
    { var: 'pubsub#owner', type: 'jid-multi', label: 'Owners', values: owners },
    { var: 'pubsub#num_subscribers', type: 'text-single', label: 'Subscribers', values: [String(subscribers)] },
    { var: 'pubsub#access_model', type: 'list-single', label: 'Who may subscribe', values: [config.accessModel] },
    { var: 'pubsub#collection', type: 'text-single', label: 'The collection it is in', values: [collection ?? ''] },
    ...(node.kind === 'leaf' ? ofLeaf : []),
  ]
  const told = fields.filter(({ values }) => values.some((value) => value !== ''))
  return { type: 'result', formType: pubsubForms.metaData, fields: told }
}

/** What a service shows of its nodes (XEP-0060 §5.2-§5.5). */
export interface NodesComponents {
  readonly pubsub: Pubsub
  /** The address of the service. */
  readonly jid: () => string
  readonly askerOf: (from: string, node: string) => Asker | Promise<Asker>
  readonly commands: Commands
}

export function showNodes({ pubsub, jid, askerOf, commands }: NodesComponents): DiscoNodes {
  const listNodes = (asker: Asker, collection: string | undefined, request: PageRequest | undefined): DiscoItemsPage => {
    const part = pubsub.nodes(asker, { collection, page: request })
    const items = part.found.map((node) => ({ jid: jid(), node: node.name, name: titleOf(pubsub, node) }))
    return { items, page: pageOf(part, request) }
  }
  return {
    async info(name, from) {
      return commands.has(name) ? commands.describe(name) : describe(pubsub, await askerOf(from, name), name)
    },
    async items(name, request, from) {
      if (name === NS.commands) return { items: commands.list(jid()) }
      const node = name === undefined ? undefined : pubsub.node(name)
      if (name === undefined) return listNodes({ jid: from }, name, request)
      if (node?.kind === 'collection') return listNodes(await askerOf(from, name), name, request)
      if (node && !pubsub.configOf(node).persistItems) return { items: [] }
      const found = pubsub.items(await askerOf(from, name), { node: name, page: request })
      return { items: found.items.map(({ id }) => ({ jid: jid(), name: id })), page: itemsPage(found, request, undefined) }
    },
  }
}

const titleOf = (pubsub: Pubsub, node: NodeRecord) => pubsub.configOf(node).title || undefined
