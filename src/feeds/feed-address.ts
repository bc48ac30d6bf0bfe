import { BytestreamError, type Jid, parseJid, prepareJid, toBytestreamError, unescapeLocal } from '../core/index.ts'
import { isPubsubService, PubsubClient } from '../pubsub-client/index.ts'
import type { QuestionOptions, Session } from '../session/index.ts'

/** Where a feed is: a node, and the publish-subscribe service that has it. */
export interface FeedAddress {
  /** The JID of the service. */
  readonly service: string
  readonly node: string
}

/** A feed by where it is, by its node alone, or, where no default service was set, by its address (`nightly@feeds.example.org`). */
export type FeedName = string | FeedAddress

/** A feed, and who asks about it. */
export interface Feed extends FeedAddress {
  readonly pubsub: PubsubClient
}

/**
 * Reads the address of a feed, as it stands in rosters: the name of its node, escaped (XEP-0106), at its service.
 *
 * @returns `undefined` for what names a node alone, at whichever service: it may have an @ in it, and what is behind that need not answer
 * @throws BytestreamError `ERR_SESSION_CLOSED`, `ERR_ABORTED`
 */
export async function feedAt(session: Session, text: string, options: QuestionOptions = {}): Promise<FeedAddress | undefined> {
  const { local, domain, resource } = tryParseJid(text) ?? { local: '', domain: '', resource: '' }
  if (local === '' || resource !== '' || !(await isService(session, domain, options))) return undefined
  return { service: domain, node: unescapeLocal(local) }
}

/** Whoever does not answer is none. */
async function isService(session: Session, domain: string, options: QuestionOptions): Promise<boolean> {
  try {
    return await isPubsubService(session, domain, options)
  } catch (thrown) {
    if (toBytestreamError(thrown).code === 'ERR_TIMEOUT') return false
    throw thrown
  }
}

function tryParseJid(text: string): Jid | undefined {
  try {
    return parseJid(prepareJid(text))
  } catch {
    return undefined // ERR_JID_MALFORMED is the only reason.
  }
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
    const { node, service = this.#default } = typeof feed === 'string' ? await this.#locate(feed, options) : feed
    if (node === '') throw new BytestreamError('ERR_CONFIG', 'a feed has the name of its node')
    const pubsub = service === undefined ? await this.#find(options) : new PubsubClient(this.#session, service)
    return { pubsub, service: pubsub.service, node }
  }

  /** Where there is a default service, what is named is a node of that. */
  async #locate(name: string, options: QuestionOptions): Promise<Partial<FeedAddress> & Pick<FeedAddress, 'node'>> {
    if (this.#default !== undefined) return { node: name }
    return (await feedAt(this.#session, name, options)) ?? { node: name }
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
