import { BytestreamError, prepareJid } from '../core/index.ts'
import { PubsubClient } from '../pubsub-client/index.ts'
import type { QuestionOptions, Session } from '../session/index.ts'

/** Where a feed is: a node, and the publish-subscribe service that has it. */
export interface FeedAddress {
  /** The JID of the service. */
  readonly service: string
  readonly node: string
}

/** A feed by its address, or one of the default service by its node alone. */
export type FeedName = string | FeedAddress

/** A feed, and who asks about it. */
export interface Feed extends FeedAddress {
  readonly pubsub: PubsubClient
}

/** Finds services; the default one is looked for once. */
export class FeedServices {
  readonly #session: Session
  readonly #default: string | undefined
  #found: Promise<PubsubClient> | undefined

  /** @throws BytestreamError `ERR_JID_MALFORMED` */
  constructor(session: Session, service: string | undefined) {
    this.#session = session
    this.#default = service && prepareJid(service)
  }

  /** @throws BytestreamError `ERR_CONFIG` without the name of a node, `ERR_JID_MALFORMED`, and as {@link PubsubClient.find} */
  async at(feed: FeedName, options: QuestionOptions = {}): Promise<Feed> {
    const { node, service = this.#default } = typeof feed === 'string' ? { node: feed } : feed
    if (node === '') throw new BytestreamError('ERR_CONFIG', 'a feed has the name of its node')
    const pubsub = service === undefined ? await this.#find(options) : new PubsubClient(this.#session, service)
    return { pubsub, service: pubsub.service, node }
  }

  async #find(options: QuestionOptions): Promise<PubsubClient> {
    this.#found ??= PubsubClient.find(this.#session, options)
    try {
      return await this.#found
    } catch (error) {
      this.#found = undefined
      throw error
    }
  }
}
