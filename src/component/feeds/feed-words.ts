import type { BytestreamError } from '../../core/index.ts'
import type { Pubsub, Word } from '../../pubsub/index.ts'
import { buildPresencePacket, type Capabilities, type Element, type PresenceValue } from '../../xep/index.ts'
import { feedAddress } from './feed-address.ts'

export interface FeedWordsInit {
  /** The domain of all feeds. */
  readonly jid: string
  /** What all of them tell of what they can. */
  readonly capabilities: Capabilities
}

/** To whom which feed says something. */
export interface Told {
  readonly node: string
  /** Bare, or the device that has asked. */
  readonly to: string
  /** Why a subscription is refused. */
  readonly refusal?: BytestreamError | undefined
}

/** Writes what feeds say by presence. */
export class FeedWords {
  readonly #pubsub: Pubsub
  readonly #init: FeedWordsInit

  constructor(pubsub: Pubsub, init: FeedWordsInit) {
    this.#pubsub = pubsub
    this.#init = init
  }

  /** @returns nothing for a node without an address */
  write(word: Word | 'probe', { node, to, refusal }: Told): Element | undefined {
    const { jid, capabilities } = this.#init
    const from = feedAddress(node, jid)
    if (from === undefined) return undefined
    const kind = word === 'available' ? 'presence' : word
    const value = word === 'subscribed' ? this.#subscription(node, to) : word === 'unsubscribed' && refusal ? reasonOf(refusal) : undefined
    return buildPresencePacket({ kind, from, to, ...(value && { value }) }, word === 'available' ? capabilities : undefined)
  }

  /** What XEP-0060 calls it: servers may leave it out, and it can be asked for there. */
  #subscription(node: string, account: string): PresenceValue | undefined {
    const { found } = this.#pubsub.subscriptions({ jid: account }, { node })
    const subid = found.find(({ jid }) => jid === account)?.subid
    return subid === undefined ? undefined : { type: 'subscription', json: { service: this.#init.jid, node, subid } }
  }
}

/** The condition, and what XEP-0060 has to say of it. */
function reasonOf({ stanzaError: { condition, application }, message }: BytestreamError): PresenceValue {
  return { type: 'reason', json: { condition, ...(application && { detail: application[0] }), ...(message && { text: message }) } }
}
