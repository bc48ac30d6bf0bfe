import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Feeds } from '../../src/feeds/index.ts'
import { type Transfer, TransferClient } from '../../src/transfer/index.ts'
import { anywhere } from '../../test/helpers/anywhere.ts'
import { median, PASSWORD, SERVICE, type Stage } from './stage.ts'

/** How many watch. */
const WATCHERS = [1, 50, 500]
export const WALLS = Array.from({ length: Math.max(...WATCHERS) }, (_, at) => `wall${at}`)
/** Accounts that log in at once. */
const AT_ONCE = 50
/** Milliseconds between two looks at what has come. */
const LOOK_MS = 1

interface Course {
  readonly announced: readonly number[]
  readonly firstOctets: readonly number[]
}

async function enter(stage: Stage, name: string): Promise<Feeds> {
  const { host, port } = stage.clients
  const client = await TransferClient.connect({
    jid: `${name}@localhost`,
    password: PASSWORD,
    service: `xmpp://${host}:${port}`,
    ...anywhere,
  })
  stage.onEnd(() => client.close())
  return new Feeds(client, { service: SERVICE, method: 'direct', ownHosts: ['127.0.0.1'] })
}

/** A file of 1 KiB on offer, and all who fetch it, in milliseconds since then. */
async function course(stage: Stage, owner: Feeds, walls: readonly Feeds[]): Promise<Course> {
  const { pubsub } = stage.whole
  const count = walls.length
  const node = `to ${count}`
  pubsub.create({ jid: 'ci@localhost' }, { node })
  const path = join(stage.folder, `image-${count}.iso`)
  await writeFile(path, Buffer.alloc(1_024, count))
  const [announced, firstOctets]: [number[], number[]] = [[], []]
  let startedMs = 0
  const sinceMs = () => performance.now() - startedMs
  const coming = new Set<Transfer>()
  const look = setInterval(() => {
    for (const transfer of coming) {
      if (transfer.movedBytes === 0) continue
      coming.delete(transfer)
      firstOctets.push(sinceMs())
    }
  }, LOOK_MS)
  const following = walls.map(async (feeds, at) => {
    for await (const event of feeds.watch([node], { into: join(stage.folder, `${count}`, `${at}`), method: 'direct' })) {
      if (event.kind === 'announced') announced.push(sinceMs())
      if (event.kind === 'fetching') coming.add(event.transfer)
      if (event.kind === 'failed') console.error(event.error.message)
      if (event.kind === 'fetched') return
    }
  })
  while ((stage.whole.feeds?.availability.size ?? 0) < count) await new Promise((resolve) => setTimeout(resolve, 50))
  startedMs = performance.now()
  await owner.offer(node, path)
  await Promise.all(following)
  clearInterval(look)
  return { announced, firstOctets }
}

/** From an offer to its announcement, and to the first octet that has come, by those who watch. */
export async function offer(stage: Stage): Promise<void> {
  const owner = await enter(stage, 'ci')
  const walls: Feeds[] = []
  let one: number | undefined
  for (const count of WATCHERS) {
    while (walls.length < count) {
      const names = WALLS.slice(walls.length, Math.min(count, walls.length + AT_ONCE))
      walls.push(...(await Promise.all(names.map((name) => enter(stage, name)))))
    }
    const { announced, firstOctets } = await course(stage, owner, walls)
    const words = (numbers: readonly number[]) => `p50 ${median(numbers).toFixed(0)} ms, last ${Math.max(...numbers).toFixed(0)} ms`
    const last = Math.max(...firstOctets)
    one ??= last
    console.log(`offer to ${count}: announced ${words(announced)}; first octet ${words(firstOctets)}   × ${(last / one).toFixed(1)} of one`)
  }
}
