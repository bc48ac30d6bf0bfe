import { BytestreamError } from '../core/index.ts'
import {
  attribute,
  buildDiscoInfo,
  buildDiscoItems,
  type Capabilities,
  capabilitiesVersion,
  type DiscoIdentity,
  type DiscoInfo,
  type DiscoItem,
  type IqRequest,
  NS,
} from '../xep/index.ts'
import type { IqRouter } from './iq-router.ts'

/** What a part of an entity shows of itself in service discovery (XEP-0030 §3). */
export interface ServicePart {
  readonly identities: readonly DiscoIdentity[]
  readonly features: readonly string[]
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
    iqs.handle('get', NS.discoInfo, 'query', (request) => {
      const { capabilities } = this
      const node = this.#check(request, 'info', capabilities && `${capabilities.node}#${capabilities.ver}`)
      return buildDiscoInfo(this.#info, node)
    })
    iqs.handle('get', NS.discoItems, 'query', (request) => {
      this.#check(request, 'items')
      return buildDiscoItems(this.#init.items?.() ?? [])
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
    return { identities: parts.flatMap((part) => part.identities), features: [...new Set(features)].sort() }
  }

  /**
   * XEP-0030 §7: none of our entities has nodes, but for the one that presence tells of. An empty one is as good as none:
   * other servers read it so.
   *
   * @returns the node that was asked for
   */
  #check({ from, to, payload }: IqRequest, about: 'info' | 'items', told?: string): string | undefined {
    const node = attribute(payload, 'node') || undefined
    if ((node !== undefined && node !== told) || this.#init.isOurs?.(to) === false) {
      throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is nothing by that name here')
    }
    this.#init.onAsked?.({ from, about })
    return node
  }
}
