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

export interface ServiceDiscoveryInit {
  /** Whether an address is one of those the parts belong to; for any other the answer is item-not-found. */
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
      const { capabilities } = this
      const node = this.#nodeOf(request)
      const isOurself = node === undefined || node === (capabilities && `${capabilities.node}#${capabilities.ver}`)
      const info = isOurself ? this.#info : await this.#nodes.info(node, request.from)
      this.#init.onAsked?.({ from: request.from, about: 'info' })
      return buildDiscoInfo(info, node)
    })
    iqs.handle('get', NS.discoItems, 'query', async (request) => {
      const node = this.#nodeOf(request)
      const own = node === undefined ? (this.#init.items?.() ?? []) : []
      const { items, page } = await this.#nodes.items(node, parsePageRequest(request.payload), request.from)
      this.#init.onAsked?.({ from: request.from, about: 'items' })
      return buildDiscoItems([...own, ...items], node, page)
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

  /** An empty name is as good as none: other servers read it so. */
  #nodeOf({ to, payload }: IqRequest): string | undefined {
    if (this.#init.isOurs?.(to) === false) throw notFound()
    return attribute(payload, 'node') || undefined
  }
}

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
