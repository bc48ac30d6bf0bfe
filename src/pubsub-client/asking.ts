import type { QuestionOptions, Session } from '../session/index.ts'
import {
  buildDiscoInfoRequest,
  buildPubsubRequest,
  type DiscoInfo,
  NS,
  type PubsubAction,
  type PubsubAnswers,
  type PubsubRequest,
  type PubsubRequestOf,
  parseDiscoInfo,
  parsePubsubAnswer,
} from '../xep/index.ts'
import { type AskForPage, type PagesInit, walkPages } from './pages.ts'

/** How a long list is asked for. */
export interface ListInit extends QuestionOptions, PagesInit {}

/** A service, and who asks it. */
export class Asking {
  readonly session: Session
  readonly service: string
  #info: DiscoInfo | undefined

  constructor(session: Session, service: string) {
    this.session = session
    this.service = service
  }

  /** @throws StanzaError as the service answered; BytestreamError `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`, `ERR_ABORTED`, `ERR_BAD_REQUEST` for an answer that is none */
  async ask<A extends PubsubAction>(request: PubsubRequestOf<A>, options: QuestionOptions): Promise<PubsubAnswers[A]> {
    const { type, payload } = buildPubsubRequest(request as PubsubRequest)
    return parsePubsubAnswer(request.action, await this.session.request({ type, to: this.service, payload }, options))
  }

  /** What the service says of itself, or of one of its nodes. */
  async describe(node: string | undefined, options: QuestionOptions): Promise<DiscoInfo> {
    const answer = await this.session.request({ type: 'get', to: this.service, payload: buildDiscoInfoRequest(node) }, options)
    const info = answer ? parseDiscoInfo(answer) : { identities: [], features: [] }
    if (node === undefined) this.#info = info
    return info
  }

  /** Whether the service does something of XEP-0060 §16.3, such as `retract-items`. Asks once. */
  async supports(feature: string, options: QuestionOptions): Promise<boolean> {
    return await this.shows(`${NS.pubsub}#${feature}`, options)
  }

  /** Whether the service shows a feature, by its whole name. Asks once. */
  async shows(feature: string, options: QuestionOptions): Promise<boolean> {
    const { features } = this.#info ?? (await this.describe(undefined, options))
    return features.includes(feature)
  }

  /** Walks a list, by pages where the service has them. */
  async *list<Entry>(ask: AskForPage<Entry>, init: ListInit): AsyncGenerator<Entry, void, undefined> {
    yield* walkPages(ask, await this.knowsPages(init), init)
  }

  /** Whether it answers in pages; many say so under the name of XEP-0059 alone. */
  async knowsPages(options: QuestionOptions): Promise<boolean> {
    return (await this.supports('rsm', options)) || (this.#info?.features.includes(NS.resultSets) ?? false)
  }
}
