import { BytestreamError } from '../core/index.ts'
import {
  attribute,
  buildDiscoInfo,
  buildDiscoItems,
  type Capabilities,
  capabilitiesVersion,
  type DataForm,
  type DiscoIdentity,
  type DiscoInfo,
  type DiscoItem,
  type IqRequest,
  NS,
  type Page,
  type PageRequest,
  parsePageRequest,
} from '../xep/index.ts'
import type { IqRouter } from './iq-router.ts'

/** What a part of an entity shows of itself in service discovery (XEP-0030 §3). */
export interface ServicePart {
  readonly identities: readonly DiscoIdentity[]
  readonly features: readonly string[]
  /** What else it tells of itself (XEP-0128). */
  readonly forms?: readonly DataForm[]
  readonly nodes?: DiscoNodes
  /** What is at another address, which the part speaks for; `undefined` for one it does not. */
  readonly entityAt?: (to: string) => DiscoEntity | undefined
}

/** A part of a list of items. */
export interface DiscoItemsPage {
  readonly items: readonly DiscoItem[]
  readonly page?: Page | undefined
}

/** What else there is at the address of a part, by name (XEP-0030 §3.2, §4.2). Names it does not know are item-not-found. */
export interface DiscoNodes {
  info(node: string, from: string): DiscoInfo | Promise<DiscoInfo>
  /** Of a node; without a name, the nodes themselves. */
  items(node: string | undefined, page: PageRequest | undefined, from: string): DiscoItemsPage | Promise<DiscoItemsPage>
}

/** What is at an address of its own; without a name it is asked of itself. Names it does not know are item-not-found. */
export interface DiscoEntity {
  info(node: string | undefined, from: string): DiscoInfo | Promise<DiscoInfo>
  items(node: string | undefined, page: PageRequest | undefined, from: string): DiscoItemsPage | Promise<DiscoItemsPage>
}

export interface ServiceDiscoveryInit {
  /** Whether all parts together are what is at an address; at any other is what one of them has there, or nothing: item-not-found. */
  readonly isOurs?: (to: string) => boolean
  /** Called for each question that was answered. */
  readonly onAsked?: (facts: { from: string; about: 'info' | 'items' }) => void
  /** What belongs to this entity right now; nothing where it is left out. */
  readonly items?: () => readonly DiscoItem[]
  /** A URI of the software, for an entity whose presence tells what it can (XEP-0115 §4). */
  readonly node?: string
}

/**
 * Answers what this entity is. The answer is derived from the parts that were added, so it cannot promise what nobody
 * does.
 *
 * @see XEP-0030 §3, §4
 */
export class ServiceDiscovery {
  readonly #parts = new Set<ServicePart>()
  readonly #init: ServiceDiscoveryInit

  constructor(iqs: IqRouter, init: ServiceDiscoveryInit = {}) {
    this.#init = init
    iqs.handle('get', NS.discoInfo, 'query', async (request) => {
      const node = nodeOf(request)
      const info = await this.#entityAt(request.to).info(node, request.from)
      this.#init.onAsked?.({ from: request.from, about: 'info' })
      return buildDiscoInfo(info, node)
    })
    iqs.handle('get', NS.discoItems, 'query', async (request) => {
      const node = nodeOf(request)
      const { items, page } = await this.#entityAt(request.to).items(node, parsePageRequest(request.payload), request.from)
      this.#init.onAsked?.({ from: request.from, about: 'items' })
      return buildDiscoItems(items, node, page)
    })
    this.add({ identities: [], features: [NS.discoInfo, NS.discoItems, ...(init.node === undefined ? [] : [NS.capabilities])] })
  }

  /** For presence, which has to be sent again when a part was added or taken away (XEP-0115 §6.1). */
  get capabilities(): Capabilities | undefined {
    const { node } = this.#init
    return node === undefined ? undefined : { node, ver: capabilitiesVersion(this.#info) }
  }

  /**
   * Shows a part. Its handlers are registered by whoever adds it.
   *
   * @returns to be called when it is to be shown no more
   */
  add(part: ServicePart): () => void {
    this.#parts.add(part)
    return () => void this.#parts.delete(part)
  }

  get #info(): DiscoInfo {
    const parts = [...this.#parts]
    const features = parts.flatMap((part) => part.features)
    const forms = parts.flatMap((part) => part.forms ?? [])
    const identities = parts.flatMap((part) => part.identities)
    return { identities, features: [...new Set(features)].sort(), ...(forms.length > 0 && { forms }) }
  }

  /** Of the one part that has them. */
  get #nodes(): DiscoNodes {
    return [...this.#parts].find(({ nodes }) => nodes)?.nodes ?? noNodes
  }

  #entityAt(to: string): DiscoEntity {
    if (this.#init.isOurs?.(to) ?? true) return this.#ourself
    for (const part of this.#parts) {
      const entity = part.entityAt?.(to)
      if (entity) return entity
    }
    throw notFound()
  }

  /** All parts together. */
  readonly #ourself: DiscoEntity = {
    info: (node, from) => {
      const { capabilities } = this
      const isOurself = node === undefined || node === (capabilities && `${capabilities.node}#${capabilities.ver}`)
      return isOurself ? this.#info : this.#nodes.info(node, from)
    },
    items: async (node, request, from) => {
      const own = node === undefined ? (this.#init.items?.() ?? []) : []
      const { items, page } = await this.#nodes.items(node, request, from)
      return { items: [...own, ...items], page }
    },
  }
}

/** An empty name is as good as none: other servers read it so. */
const nodeOf = ({ payload }: IqRequest) => attribute(payload, 'node') || undefined

const notFound = () => new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is nothing by that name here')

/** XEP-0030 §7 */
const noNodes: DiscoNodes = {
  info() {
    throw notFound()
  },
  items(node) {
    if (node !== undefined) throw notFound()
    return { items: [] }
  },
}
