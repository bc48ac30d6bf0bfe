import { BytestreamError } from '../core/index.ts'
import { attribute, buildDiscoInfo, buildDiscoItems, type DiscoIdentity, type DiscoItem, type IqRequest, NS } from '../xep/index.ts'
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
      this.#check(request, 'info')
      const identities = [...this.#parts].flatMap((part) => part.identities)
      const features = [...this.#parts].flatMap((part) => part.features)
      return buildDiscoInfo({ identities, features: [...new Set(features)].sort() })
    })
    iqs.handle('get', NS.discoItems, 'query', (request) => {
      this.#check(request, 'items')
      return buildDiscoItems(this.#init.items?.() ?? [])
    })
    this.add({ identities: [], features: [NS.discoInfo, NS.discoItems] })
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

  /** XEP-0030 §7: none of our entities has nodes. An empty one is as good as none: other servers read it so. */
  #check({ from, to, payload }: IqRequest, about: 'info' | 'items'): void {
    if (attribute(payload, 'node') || this.#init.isOurs?.(to) === false) {
      throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is nothing by that name here')
    }
    this.#init.onAsked?.({ from, about })
  }
}
