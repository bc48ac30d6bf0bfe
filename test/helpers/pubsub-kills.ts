import type { ExecutionContext } from 'ava'
import { pubsubMigrations } from '../../src/pubsub/index.ts'
import { Storage } from '../../src/storage/index.ts'
import { attribute, type Element } from '../../src/xep/index.ts'
import { chanceFrom } from './chance.ts'
import { formText, pubsub } from './pubsub-examples.ts'
import { PubsubLine } from './pubsub-line.ts'
import { outcome } from './pubsub-service.ts'
import { dataFolder, servePubsub } from './serve-pubsub.ts'
import type { ServerUnderTest } from './server.ts'

/** Requests that wait for an answer at once. */
const AT_ONCE = 24
/** The highest count at which a process is killed. */
const MOMENT_MAX = 200
/** Every so many items, the one three before is retracted. */
const RETRACTED_EVERY = 5

const KEEPS = "<field var='pubsub#max_items'><value>max</value></field>"

/** What is counted until the process is killed. */
const moments = ['said', 'answered', 'told'] as const

/** What a round has said and heard of each item, by its id. */
class Round {
  readonly node: string
  readonly published = { said: new Set<string>(), acknowledged: new Set<string>(), told: new Set<string>() }
  readonly retracted = { said: new Set<string>(), acknowledged: new Set<string>(), told: new Set<string>() }

  constructor(node: string) {
    this.node = node
  }

  /** Holds what is stored against what was said of it. */
  judge(t: ExecutionContext, stored: ReadonlyMap<string, string>): void {
    const { published, retracted } = this
    const isThere = (id: string) => stored.has(id)
    const where = (ids: Iterable<string>, is: (id: string) => boolean) => [...ids].filter(is)
    t.deepEqual(
      where(published.acknowledged, (id) => !isThere(id) && !retracted.said.has(id)),
      [],
      'acknowledged, and lost',
    )
    t.deepEqual(
      where(published.told, (id) => !isThere(id) && !retracted.said.has(id)),
      [],
      'told of, and not stored',
    )
    t.deepEqual(where([...retracted.acknowledged, ...retracted.told], isThere), [], 'retracted, and there')
    t.deepEqual(
      where(stored.keys(), (id) => !published.said.has(id)),
      [],
      'there, and never published',
    )
    for (const [id, text] of stored) t.is(text, textOf(this.node, id))
  }
}

const textOf = (node: string, id: string) => `${id} of ${node} ${'.'.repeat(Number(id) % 700)}`
const publish = (node: string, id: string) =>
  pubsub(`<publish node='${node}'><item id='${id}'><note xmlns='urn:example:note'>${textOf(node, id)}</note></item></publish>`)
const retract = (node: string, id: string) => pubsub(`<retract node='${node}' notify='true'><item id='${id}'/></retract>`)

/** What killing has come to. */
interface Killed {
  readonly acknowledged: number
  readonly told: number
  readonly stored: number
  /** Stored, and nobody was told so: the process died in between. */
  readonly unanswered: number
}

/**
 * Kills `serve` as `kill -9` does, so many times, each while somebody publishes and retracts; then looks whether what it keeps is what
 * it said. The moment is a number of requests, answers or notifications by chance.
 */
export async function killWhilePublishing(
  t: ExecutionContext,
  server: ServerUnderTest,
  { kills, seed }: { readonly kills: number; readonly seed: number },
): Promise<Killed> {
  const directory = await dataFolder(t)
  const chance = chanceFrom(seed)
  const publisher = await PubsubLine.enter(server.client, server.account('hamlet'), 'elsinore')
  const subscriber = await PubsubLine.enter(server.client, server.account('francisco'), 'barracks')
  const rounds: Round[] = []
  const sum = { acknowledged: 0, told: 0, stored: 0, unanswered: 0 }
  let serve = await servePubsub(t, server, directory)
  for (let kill = 0; kill < kills; kill++) {
    const round = new Round(`round-${kill}`)
    rounds.push(round)
    const setup = [
      await publisher.ask(
        'set',
        pubsub(`<create node='${round.node}'/><configure>${formText('submit', 'node_config', KEEPS)}</configure>`),
      ),
      await subscriber.ask('set', pubsub(`<subscribe node='${round.node}' jid='${subscriber.account}'/>`)),
    ]
    t.deepEqual(setup.map(outcome), ['result', 'result'])
    const moment = { what: moments[chance(moments.length)] as (typeof moments)[number], count: 1 + chance(MOMENT_MAX) }
    await new Promise<void>((resolve) => publishUntil(round, { publisher, subscriber, moment, onMoment: resolve }))
    serve.child.kill('SIGKILL')
    await serve.ended
    serve = await servePubsub(t, server, directory)
    // Whoever asks now has heard what was on its way to it before.
    const stored = itemsOf(await publisher.ask('get', pubsub(`<items node='${round.node}'/>`)))
    t.deepEqual(itemsOf(await subscriber.ask('get', pubsub(`<items node='${round.node}'/>`))), stored)
    round.judge(t, stored)
    sum.acknowledged += round.published.acknowledged.size
    sum.told += round.published.told.size
    sum.stored += stored.size
    sum.unanswered += [...stored.keys()].filter((id) => !round.published.acknowledged.has(id)).length
  }
  // What was kept once is kept through every other end.
  for (const round of rounds) round.judge(t, itemsOf(await publisher.ask('get', pubsub(`<items node='${round.node}'/>`))))
  serve.child.kill('SIGKILL')
  await serve.ended
  await using storage = await Storage.open({ directory, migrations: pubsubMigrations })
  t.deepEqual(storage.query('PRAGMA integrity_check').all(), [['ok']])
  publisher.close()
  subscriber.close()
  return sum
}

interface Course {
  readonly publisher: PubsubLine
  readonly subscriber: PubsubLine
  readonly moment: { readonly what: (typeof moments)[number]; readonly count: number }
  readonly onMoment: () => void
}

/** Publishes, and retracts now and then, some at once, up to a moment; what comes later still counts. */
function publishUntil({ node, published, retracted }: Round, { publisher, subscriber, moment, onMoment }: Course): void {
  const counts = { said: 0, answered: 0, told: 0 }
  let isOver = false
  let next = 0
  const count = (what: keyof typeof counts) => {
    counts[what] += 1
    if (isOver || what !== moment.what || counts[what] < moment.count) return
    isOver = true
    onMoment()
  }
  const say = (done: 'publish' | 'retract', id: string) => {
    ;(done === 'publish' ? published : retracted).said.add(id)
    publisher.say(`${done} ${node} ${id}`, 'set', done === 'publish' ? publish(node, id) : retract(node, id))
    count('said')
  }
  const sayNext = () => {
    if (isOver) return
    const id = next++
    say('publish', `${id}`)
    if (id % RETRACTED_EVERY === RETRACTED_EVERY - 1 && !isOver) say('retract', `${id - 3}`)
  }
  subscriber.listen({
    onEvent(event) {
      if (event.kind !== 'items' || event.node !== node) return
      for (const { id } of event.items) if (id !== undefined) published.told.add(id)
      for (const id of event.retracted) retracted.told.add(id)
      count('told')
    },
  })
  publisher.listen({
    onAnswer(answered, answer) {
      const [done, ofNode, id = ''] = answered.split(' ')
      if (ofNode !== node) return
      if (attribute(answer, 'type') === 'result') (done === 'publish' ? published : retracted).acknowledged.add(id)
      count('answered')
      if (done === 'publish') sayNext()
    },
  })
  for (let first = 0; first < AT_ONCE; first++) sayNext()
}

/** The text of each item of an answer, by its id. */
function itemsOf(answer: Element): Map<string, string> {
  const items = answer.getChild('pubsub')?.getChild('items')?.getChildren('item') ?? []
  return new Map(items.map((item) => [attribute(item, 'id') ?? '', item.getChild('note')?.text() ?? '']))
}
