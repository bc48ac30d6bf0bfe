import type { BytestreamError } from '../core/index.ts'
import type { Transfer, TransferResult } from '../transfer/index.ts'
import type { Announcement } from '../xep/index.ts'
import type { FeedAddress } from './feed-address.ts'

/** An announcement on a feed. */
export interface OnFeed extends FeedAddress {
  readonly announcement: Announcement
  /** Who put it there, as far as the service tells: a JID. */
  readonly publisher: string | undefined
}

/** What happens on feeds that are watched, and what comes of it. */
export type FeedEvent =
  /** A file is on offer. `fresh`: it was told of just now, and not found there, or waiting. */
  | (OnFeed & { readonly kind: 'announced'; readonly fresh: boolean })
  /** It is asked for now. */
  | (OnFeed & { readonly kind: 'fetching'; readonly transfer: Transfer })
  | (OnFeed & {
      readonly kind: 'fetched'
      readonly path: string
      readonly bytes: number
      readonly sha256: string
      readonly result: TransferResult
    })
  /** It was here before, and nothing was fetched. */
  | (OnFeed & { readonly kind: 'there already'; readonly path: string; readonly bytes: number; readonly sha256: string })
  /** Its owner is away, or too busy: it is asked for again after a while, and as soon as it is announced anew. */
  | (OnFeed & { readonly kind: 'paused'; readonly error?: BytestreamError | undefined; readonly retryMs?: number | undefined })
  /** It cannot be had: it is asked for again only when it is announced anew. */
  | (OnFeed & { readonly kind: 'failed'; readonly error: BytestreamError })
  /** It is not asked for at all: the error says why not. */
  | (OnFeed & { readonly kind: 'passed over'; readonly error: BytestreamError })
  /** It is not to be had any more. */
  | (FeedAddress & { readonly kind: 'withdrawn' | 'expired'; readonly id: string })
  /** Words, without a file. */
  | (FeedAddress & {
      readonly kind: 'said'
      readonly id: string
      readonly text: string
      readonly publisher: string | undefined
      readonly fresh: boolean
    })
  /** Nothing more comes of this feed: it was deleted, or we are subscribed to it no more. */
  | (FeedAddress & { readonly kind: 'closed'; readonly reason: 'deleted' | 'unsubscribed' })
