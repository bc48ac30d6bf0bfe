import type { ExecutionContext } from 'ava'
import type { Clock } from '../../src/core/index.ts'
import { type FeedEvent, Feeds, type FeedsComponents, type FeedsInit, type Watch } from '../../src/feeds/index.ts'
import { PubsubClient } from '../../src/pubsub-client/index.ts'
import type { TransferClient, TransferClientInit } from '../../src/transfer/index.ts'
import { ours, oursWithFeeds } from './own-pubsub.ts'
import type { ServerKind, ServerUnderTest } from './server.ts'
import { networkOn, type XmppNetwork } from './xmpp-network.ts'

/** Where the service is, on each server under test. */
const FEEDS = 'pubsub.localhost'

/** A client, and the feeds it sees. */
export interface FeedsClient {
  readonly client: TransferClient
  readonly feeds: Feeds
  /** What it can say to the service by hand. */
  readonly pubsub: PubsubClient
}

/** An account's client, and its feeds. */
interface JoinInit extends Partial<Omit<TransferClientInit, 'service'>>, Pick<FeedsInit, 'transfersMax'> {
  /** Where its server is, if not where it listens. */
  readonly server?: string
  /** Of its client. */
  readonly clock?: Clock
}

export interface FeedsNetwork extends XmppNetwork {
  /** Logs an account in; its feeds are closed with the test, and then its client. */
  join(local: string, init?: JoinInit, components?: FeedsComponents): Promise<FeedsClient>
}

/** Accounts that offer and watch, on a server that is there already. */
function feedsOn(t: ExecutionContext, server: ServerUnderTest): FeedsNetwork {
  const network = networkOn(t, server)
  return {
    ...network,
    async join(local, init = {}, components = {}) {
      const { server, transfersMax, clock, ...account } = init
      const client = await network.connect(local, { ...account, ...(server !== undefined && { service: server }) }, clock ? { clock } : {})
      const feeds = new Feeds(client, { service: FEEDS, transfersMax, ownHosts: ['127.0.0.1'], method: 'direct' }, components)
      t.teardown(() => feeds.close())
      return { client, feeds, pubsub: new PubsubClient(client.session, FEEDS) }
    },
  }
}

/** The same on an embedded server with our own publish-subscribe service; everything ends with the test. */
export async function startFeeds(t: ExecutionContext, accounts: readonly string[], kind: ServerKind = ours): Promise<FeedsNetwork> {
  const server = await kind.start({ accounts, ownPubsub: FEEDS })
  t.teardown(() => server[Symbol.asyncDispose]())
  return feedsOn(t, server)
}

/** The same where the service has queues, and tells who may read. */
export async function startFeedsWithQueues(t: ExecutionContext, accounts: readonly string[]): Promise<FeedsNetwork> {
  return await startFeeds(t, accounts, oursWithFeeds)
}

/** Events of a kind. */
export type EventOf<Kind extends FeedEvent['kind']> = Extract<FeedEvent, { kind: Kind }>

/** The next event of one of some kinds; others are passed over. */
export async function nextOf<Kind extends FeedEvent['kind']>(watch: Watch, ...kinds: readonly Kind[]): Promise<EventOf<Kind>> {
  for (;;) {
    const { value, done } = await watch.next()
    if (done) throw new Error(`the watch ended before ${kinds.join(', ')}`)
    if ((kinds as readonly string[]).includes(value.kind)) return value as EventOf<Kind>
  }
}
