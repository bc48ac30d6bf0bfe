// Question: what do feeds cost: from an offer to an open bytestream, while a queue drains, and what is kept of an announcement that waits?
// Method: our service with its database on disk, the embedded server, and all accounts are in this process, so that only ratios of one
// run mean something. Plain notifications of the same announcements, through the same service, are what queues are compared with.
//   drain        100 accounts that were away, 50 announcements each: from their presence to the last acknowledgement; the same number of
//                plain notifications, from the publish to the last
//   kept         1,000 announcements, each for 100 accounts that are away; then the same for subscribers without queues, of whom nothing
//                is kept: octets on disk and resident memory for each of the 100,000 that wait
//   offer        a file of 1 KiB to 1, 50, 500 accounts that watch: from the offer to the announcement, and until the
//                bytestream is open, whose first octet comes next; by accounts (p50, last)
//
//   npm run bench:feeds

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { PublishSubscribe, presentComponent } from '../src/component/index.ts'
import { silentLogger, systemClock } from '../src/core/index.ts'
import { EmbeddedServer } from '../src/embedded/index.ts'
import { Feeds } from '../src/feeds/index.ts'
import { componentConnector, Session } from '../src/session/index.ts'
import { TransferClient } from '../src/transfer/index.ts'
import { buildAcknowledgement, buildAnnouncement, buildDiscoInfo, buildPresence, NS, parseDelivery, writeXml } from '../src/xep/index.ts'
import { anywhere } from '../test/helpers/anywhere.ts'

const SERVICE = 'pubsub.localhost'
const PASSWORD = 'pencil'
const CROWD = 'crowd.localhost'
const PUBLISHER = `publisher@${CROWD}/desk`
const WATCHERS = [1, 50, 500]
const ACCOUNTS = 100
const WAITING = 50
const KEPT = 1_000

const median = (numbers: readonly number[]) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] as number
const accountsUpTo = (count: number, domain: string) => Array.from({ length: count }, (_, at) => `wall${at}@${domain}`)

const announcement = (id: string) => ({
  id,
  payload: writeXml(
    buildAnnouncement({
      ...{ id, owner: PUBLISHER, protocols: ['jingle', 'si'], state: 'available' },
      file: { name: 'image.iso', sizeBytes: 1_024, hashes: [{ algo: 'sha-256', value: Buffer.alloc(32, 7) }] },
    }),
  ),
})

const ends: (() => unknown)[] = []
const folder = await mkdtemp(join(tmpdir(), 'streamhost-bench-'))
ends.push(() => rm(folder, { recursive: true, force: true }))
const local = accountsUpTo(Math.max(...WATCHERS), 'localhost').map((jid) => jid.split('@')[0] as string)
const listen = { host: '127.0.0.1', port: 0 }
const server = new EmbeddedServer(
  {},
  {
    domain: 'localhost',
    accounts: ['ci', ...local].map((name) => ({ local: name, password: PASSWORD })),
    components: [SERVICE, CROWD].map((jid) => ({ jid, secret: PASSWORD })),
    clientListen: listen,
    componentListen: listen,
  },
)
ends.push(() => server.close())
const { client: clients, component: components } = await server.listen()
const whole = await PublishSubscribe.open(
  { clock: systemClock, logger: silentLogger },
  { directory: folder, limits: {}, mayCreate: () => true, onFailed: (error: Error) => console.error(error) },
)
ends.push(() => whole[Symbol.asyncDispose]())
const plug = async (jid: string) => {
  const connect = componentConnector(systemClock, { jid, secret: PASSWORD, service: components })
  const session = new Session({}, connect, { reconnect: 'never' })
  ends.push(() => session.stop())
  return session
}
const session = await plug(SERVICE)
const { part } = whole.attach(session, SERVICE)
presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: [part] })
await session.start()
const crowd = await plug(CROWD)
await crowd.start()
crowd.iqs.handle('get', NS.discoInfo, 'query', () => buildDiscoInfo({ identities: [], features: [NS.feeds] }))
const { pubsub } = whole
const publish = async (node: string, ids: readonly string[]) => {
  for (const id of ids) {
    const { notices } = pubsub.publish({ jid: PUBLISHER }, { node, items: [announcement(id)] })
    whole.notifications?.tell(notices)
  }
  await pubsub.settled()
}
const open = (node: string, jids: readonly string[], queue: boolean) => {
  pubsub.create({ jid: PUBLISHER }, { node })
  for (const jid of jids) pubsub.subscribe({ jid }, { node, jid, options: { queue } })
}

async function kept(): Promise<void> {
  const sizes: [number, number][] = []
  for (const queue of [false, true]) {
    open(`kept ${queue}`, accountsUpTo(ACCOUNTS, `away.${CROWD}`), queue)
    await pubsub.settled()
    globalThis.gc?.()
    const bytes = async () => {
      await pubsub.settled()
      const database = new DatabaseSync(join(folder, 'streamhost.db'), { readOnly: true })
      const pages = ['page_count', 'page_size'].map(
        (name) => Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0] as number,
      )
      database.close()
      return (pages[0] ?? 0) * (pages[1] ?? 0)
    }
    const before = [await bytes(), process.memoryUsage.rss()] as const
    await publish(
      `kept ${queue}`,
      Array.from({ length: KEPT }, (_, at) => `${queue} ${at}`),
    )
    globalThis.gc?.()
    sizes.push([(await bytes()) - before[0], process.memoryUsage.rss() - before[1]])
  }
  const [[plain = 0, plainMemory = 0] = [], [queued = 0, queuedMemory = 0] = []] = sizes
  const each = (bytes: number) => (bytes / (KEPT * ACCOUNTS)).toFixed(0)
  console.log(`kept: ${each(queued - plain)} octets on disk, ${each(queuedMemory - plainMemory)} of memory for each that waits`)
}

async function drain(): Promise<void> {
  const people = accountsUpTo(ACCOUNTS, CROWD)
  const total = ACCOUNTS * WAITING
  const ids = Array.from({ length: WAITING }, (_, at) => `drained ${at}`)
  let heard = 0
  let acknowledged = 0
  crowd.on('message', ({ to }, stanza) => {
    heard += 1
    const id = parseDelivery(stanza)
    if (id === undefined || to === undefined) return
    crowd.request({ type: 'set', from: to, to: SERVICE, payload: buildAcknowledgement([id]) }).then(
      () => (acknowledged += 1),
      (error: Error) => console.error(error.message),
    )
  })
  const seconds = async (act: () => unknown, isDone: () => boolean) => {
    const startedMs = performance.now()
    await act()
    while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5))
    return (performance.now() - startedMs) / 1000
  }
  open('plain', people, false)
  const plain = await seconds(
    () => publish('plain', ids),
    () => heard >= total,
  )
  open('queued', people, true)
  await publish('queued', ids)
  heard = 0
  const come = () => {
    for (const jid of people) crowd.send(buildPresence({ type: 'available', from: `${jid}/desk`, to: SERVICE }))
  }
  const queued = await seconds(come, () => acknowledged >= total)
  const [drained, told] = [total / queued, total / plain]
  console.log(
    `drain: ${drained.toFixed(0)} acknowledged deliveries per second, ${told.toFixed(0)} plain notifications   × ${(drained / told).toFixed(2)}`,
  )
}

async function offer(): Promise<void> {
  const enter = async (name: string) => {
    const login = { jid: `${name}@localhost`, password: PASSWORD, service: `xmpp://${clients.host}:${clients.port}` }
    const client = await TransferClient.connect({ ...login, ...anywhere, concurrency: 1_000 })
    ends.push(() => client.close())
    return new Feeds(client, { service: SERVICE, method: 'direct', ownHosts: ['127.0.0.1'], transfersMax: 1_000 })
  }
  const owner = await enter('ci')
  const walls: Feeds[] = []
  for (const count of WATCHERS) {
    while (walls.length < count) walls.push(await enter(`wall${walls.length}`))
    const node = `to ${count}`
    pubsub.create({ jid: `ci@localhost` }, { node })
    const path = join(folder, `image-${count}.iso`)
    await writeFile(path, Buffer.alloc(1_024, count))
    let startedMs = 0
    const [told, first]: [number[], number[]] = [[], []]
    const watches = walls
      .slice(0, count)
      .map((feeds, at) => feeds.watch([node], { into: join(folder, `${count}`, `${at}`), method: 'direct' }))
    const following = watches.map(async (watch) => {
      for await (const event of watch) {
        if (event.kind === 'announced') told.push(performance.now() - startedMs)
        if (event.kind === 'fetching') event.transfer.once('opened', () => first.push(performance.now() - startedMs))
        if (event.kind === 'failed') console.error(event.error.message)
        if (event.kind === 'fetched') return
      }
    })
    // All are subscribed, and have shown that they are there.
    await new Promise((resolve) => setTimeout(resolve, 1_000 + 20 * count))
    startedMs = performance.now()
    await owner.offer(node, path)
    await Promise.all(following)
    const last = (numbers: readonly number[]) => Math.max(...numbers).toFixed(0)
    console.log(
      `offer to ${count}: announced p50 ${median(told).toFixed(0)} ms, last ${last(told)}; bytestream open p50 ${median(first).toFixed(0)} ms, last ${last(first)}`,
    )
  }
}

try {
  await kept()
  await drain()
  await offer()
} finally {
  for (const end of ends.reverse()) await end()
}
