// Accounts that watch feeds, and put files on offer there, in a process of their own. It is told by lines of JSON what to do, and tells
// what happens in the same way. Started by feed-accounts.ts.

import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { bareJid, type Clock, systemClock, toBytestreamError } from '../../src/core/index.ts'
import { Feeds } from '../../src/feeds/index.ts'
import { PubsubClient } from '../../src/pubsub-client/index.ts'
import { TransferClient } from '../../src/transfer/index.ts'
import { feedOptions } from '../../src/xep/index.ts'
import type { FeedFact, FeedOrder, QueuesSeen } from './feed-accounts.ts'
import { hurriedClock } from './hurried-clock.ts'

interface Present {
  readonly client: TransferClient
  readonly feeds: Feeds
  readonly pubsub: PubsubClient
  /** Has timers go faster from now on. */
  hurry(): void
}

const { STREAMHOST_SERVICE: service, STREAMHOST_PASSWORD: password = '', FEEDS_AT: at = '', HURRY = '1' } = process.env
/** Of whoever watches, or has something on offer; what has to be done before has all of its time for that. */
const hurried = hurriedClock(Number(HURRY))
/** By that clock. */
const AGAIN_MS = 3_000
const present = new Map<string, Promise<Present>>()

const tell = (fact: FeedFact) => void process.stdout.write(`${JSON.stringify(fact)}\n`)

async function enter(account: string): Promise<Present> {
  let timers = systemClock
  const clock: Clock = { now: () => hurried.now(), after: (ms, callback) => timers.after(ms, callback) }
  const client = await TransferClient.connect({ jid: account, password, service }, { clock })
  const hurry = () => {
    timers = hurried
  }
  return { client, feeds: new Feeds(client, { service: at }, { clock }), pubsub: new PubsubClient(client.session, at), hurry }
}

function presentAs(account: string): Promise<Present> {
  const entering = present.get(account) ?? enter(account)
  present.set(account, entering)
  entering.catch(() => present.delete(account)) // The next order tries again.
  return entering
}

async function leave(account: string): Promise<void> {
  const { client, feeds } = await presentAs(account)
  present.delete(account)
  await feeds.close()
  await client.close()
}

/** Goes on until the account leaves, or it fails; one that has heard nothing begins again, as the service may not be there yet. */
async function watch(present: Present, order: FeedOrder & { do: 'watch' }): Promise<void> {
  const { client, feeds } = present
  const { node, into } = order
  const account = bareJid(client.jid)
  let hasHeard = false
  try {
    for await (const event of feeds.watch([node], { into, ownHosts: ['127.0.0.1'] })) {
      hasHeard = true
      const id = 'announcement' in event ? event.announcement.id : 'id' in event ? event.id : ''
      const name = 'announcement' in event ? event.announcement.file.name : undefined
      const { sha256 = undefined } = event.kind === 'fetched' || event.kind === 'there already' ? event : {}
      const text = 'error' in event ? event.error?.message : undefined
      tell({ fact: event.kind, account, id, name, sha256, text })
    }
  } catch (thrown) {
    tell({ fact: hasHeard ? 'broken off' : 'begun again', account, id: '', text: toBytestreamError(thrown).message })
    if (!hasHeard) hurried.after(AGAIN_MS, () => void watch(present, order))
  }
}

async function offer({ feeds }: Present, { account, node, path }: FeedOrder & { do: 'offer' }): Promise<void> {
  const made = await feeds.offer(node, path)
  const of = { id: made.id, name: basename(path) }
  made.on('started', (transfer) => {
    const asker = bareJid(transfer.peer)
    tell({ fact: 'started', account: asker, ...of })
    transfer.on('opened', ({ method, streamhost }) => tell({ fact: 'opened', account: asker, ...of, method, host: streamhost?.host }))
  })
  made.on('finished', ({ transfer: { peer, movedBytes, resumedFrom } }) => {
    tell({ fact: 'sent', account: bareJid(peer), ...of, bytes: movedBytes, resumedFrom })
  })
  made.on('broken', ({ transfer: { peer, movedBytes }, error }) => {
    tell({ fact: 'cut', account: bareJid(peer), ...of, bytes: movedBytes, text: error.message })
  })
  made.on('refused', ({ from, error }) => tell({ fact: 'refused', account: bareJid(from), ...of, text: error.message }))
  tell({ fact: 'offered', account, ...of })
}

async function look({ pubsub }: Present, { node }: FeedOrder): Promise<QueuesSeen> {
  const waiting: Record<string, number> = {}
  let deadLetters = 0
  for await (const { account, waiting: left, handed } of pubsub.waiting(node)) waiting[account] = left + handed
  for await (const _ of pubsub.deadLetters(node)) deadLetters += 1
  return { waiting, deadLetters }
}

async function obey(order: FeedOrder): Promise<QueuesSeen | undefined> {
  const { account, node } = order
  if (order.do === 'leave') return void (await leave(account))
  const entered = await presentAs(account)
  if (order.do === 'look') return await look(entered, order)
  if (order.do === 'watch' || order.do === 'offer') entered.hurry()
  if (order.do === 'watch') void watch(entered, order)
  else if (order.do === 'offer') await offer(entered, order)
  else if (order.do === 'create') await entered.pubsub.create(node, { access_model: 'open', max_items: 'max' })
  else await entered.pubsub.subscribe(node, { settings: { [feedOptions.queue]: true } })
  return undefined
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { number, ...order } = JSON.parse(line) as FeedOrder & { number: number }
  const { account } = order
  obey(order).then(
    (seen) => tell({ fact: 'obeyed', account, id: '', number, seen }),
    (thrown) => tell({ fact: 'not obeyed', account, id: '', number, text: toBytestreamError(thrown).message }),
  )
})
