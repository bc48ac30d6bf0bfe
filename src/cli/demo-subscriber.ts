import { BytestreamError } from '../core/index.ts'
import { type FeedAddress, type FeedEvent, Feeds } from '../feeds/index.ts'
import { PubsubClient } from '../pubsub-client/index.ts'
import type { Transfer, TransferClient } from '../transfer/index.ts'
import { feedOptions } from '../xep/index.ts'
import type { DemoStage } from './demo-stage.ts'
import type { Cell } from './grid.ts'

/** Nothing of a demo goes farther than this machine. */
export const HERE = { method: 'direct', ownHosts: ['127.0.0.1'] } as const

export interface DemoSubscriberInit {
  /** The local part of its address. */
  readonly name: string
  /** What tells it from the others, where there is little room. */
  readonly number: string
  readonly feed: FeedAddress
  /** The folder its files are stored in. */
  readonly into: string
}

/** Ends of files that were announced. */
type Arrival = Extract<FeedEvent, { kind: 'fetched' }>

/** An account that follows a feed. */
export class DemoSubscriber {
  readonly #stage: DemoStage
  readonly #init: DemoSubscriberInit
  #client: TransferClient | undefined
  #says = ''
  #transfer: Transfer | undefined

  constructor(stage: DemoStage, init: DemoSubscriberInit) {
    this.#stage = stage
    this.#init = init
  }

  get name(): string {
    return this.#init.name
  }

  /** How it is, for people. */
  get cell(): Cell {
    const { name, number } = this.#init
    const { bytes = 0, size = 0 } = this.#transfer ?? {}
    return { name, number, says: this.#says, done: size > 0 ? bytes / size : undefined }
  }

  /** Has what is announced from now on wait for it. */
  async subscribe(): Promise<void> {
    const { service, node } = this.#init.feed
    const { session } = await this.#logIn()
    await new PubsubClient(session, service).subscribe(node, { settings: { [feedOptions.queue]: true } })
    this.#says = 'subscribed'
  }

  async leave(): Promise<void> {
    await this.#client?.close()
    this.#client = undefined
    this.#says = 'away'
  }

  /**
   * Waits for a file, fetches it, and says that it has it.
   *
   * @throws BytestreamError why it could not be had, or as the signal is aborted
   */
  async fetch(signal: AbortSignal): Promise<Arrival> {
    const { feed, into } = this.#init
    await using feeds = new Feeds(await this.#logIn())
    this.#says = 'is there'
    try {
      for await (const event of feeds.watch([feed], { into, signal, ...HERE })) {
        if (event.kind === 'announced') this.#says = 'is told'
        else if (event.kind === 'fetching') this.#transfer = event.transfer
        else if (event.kind === 'fetched') {
          this.#says = 'has it'
          return event
        } else if (event.kind === 'failed' || event.kind === 'passed over') throw event.error
      }
      throw new BytestreamError('ERR_ITEM_NOT_FOUND', `${feed.node} is there no more`)
    } finally {
      this.#transfer = undefined
    }
  }

  async #logIn(): Promise<TransferClient> {
    this.#client ??= await this.#stage.logIn(this.name)
    return this.#client
  }
}
