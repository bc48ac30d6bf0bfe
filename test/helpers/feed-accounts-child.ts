// Accounts that watch feeds, and put files on offer there, in a process of their own. It is told by lines of JSON what to do, and tells
// what happens in the same way. Started by feed-accounts.ts.

import { createInterface } from 'node:readline'
import { bareJid, toBytestreamError } from '../../src/core/index.ts'
import { Feeds } from '../../src/feeds/index.ts'
import { PubsubClient } from '../../src/pubsub-client/index.ts'
import { TransferClient } from '../../src/transfer/index.ts'
import { feedOptions } from '../../src/xep/index.ts'
import type { FeedFact, FeedOrder } from './feed-accounts.ts'

interface Present {
  readonly client: TransferClient
  readonly feeds: Feeds
  readonly pubsub: PubsubClient
}

const { STREAMHOST_SERVICE: service, STREAMHOST_PASSWORD: password = '', FEEDS_AT: at = '' } = process.env
const present = new Map<string, Promise<Present>>()

const tell = (fact: FeedFact) => void process.stdout.write(`${JSON.stringify(fact)}\n`)

async function enter(account: string): Promise<Present> {
  const client = await TransferClient.connect({ jid: account, password, service })
  return { client, feeds: new Feeds(client, { service: at }), pubsub: new PubsubClient(client.session, at) }
}

function presentAs(account: string): Promise<Present> {
  const entering = present.get(account) ?? enter(account)
  present.set(account, entering)
  return entering
}

async function leave(account: string): Promise<void> {
  const { client, feeds } = await presentAs(account)
  present.delete(account)
  await feeds.close()
  await client.close()
}

/** Goes on until the account leaves, or it fails. */
async function watch({ client, feeds }: Present, { node, into }: FeedOrder & { do: 'watch' }): Promise<void> {
  const account = bareJid(client.jid)
  try {
    for await (const event of feeds.watch([node], { into, ownHosts: ['127.0.0.1'] })) {
      const id = 'announcement' in event ? event.announcement.id : 'id' in event ? event.id : ''
      const { sha256 = undefined } = event.kind === 'fetched' || event.kind === 'there already' ? event : {}
      const text = 'error' in event ? event.error?.message : undefined
      tell({ fact: event.kind, account, id, sha256, text })
    }
  } catch (thrown) {
    tell({ fact: 'broken off', account, id: '', text: toBytestreamError(thrown).message })
  }
}

async function offer({ feeds }: Present, { account, node, path }: FeedOrder & { do: 'offer' }): Promise<void> {
  const made = await feeds.offer(node, path)
  const { id } = made
  made.on('started', ({ peer }) => tell({ fact: 'started', account: bareJid(peer), id }))
  made.on('refused', ({ from, error }) => tell({ fact: 'refused', account: bareJid(from), id, text: error.message }))
  tell({ fact: 'offered', account, id })
}

async function obey(order: FeedOrder): Promise<void> {
  const { account, node } = order
  if (order.do === 'leave') return leave(account)
  const entered = await presentAs(account)
  if (order.do === 'watch') void watch(entered, order)
  else if (order.do === 'offer') await offer(entered, order)
  else if (order.do === 'create') await entered.pubsub.create(node, { access_model: 'open', max_items: 'max' })
  else await entered.pubsub.subscribe(node, { settings: { [feedOptions.queue]: true } })
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { number, ...order } = JSON.parse(line) as FeedOrder & { number: number }
  const { account } = order
  obey(order).then(
    () => tell({ fact: 'obeyed', account, id: '', number }),
    (thrown) => tell({ fact: 'not obeyed', account, id: '', number, text: toBytestreamError(thrown).message }),
  )
})
