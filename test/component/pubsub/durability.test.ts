// Goal: nobody is told of what is not committed, and whoever publishes is answered when it is durable; who is told need not wait for that.

import { EventEmitter, once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { PubsubService } from '../../../src/component/index.ts'
import { logStorage } from '../../../src/component/pubsub/pubsub-log.ts'
import { type Notice, Pubsub, pubsubMigrations, SqliteStore } from '../../../src/pubsub/index.ts'
import { Session } from '../../../src/session/index.ts'
import { type Element, NS, parseElement } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { keepLines } from '../../helpers/log-lines.ts'
import { pubsub as inPubsub } from '../../helpers/pubsub-examples.ts'
import { outcome, PAYLOAD, PubsubBehindServer, SERVICE } from '../../helpers/pubsub-service.ts'
import { breakDisk, newDirectory, openStorage } from '../../helpers/storage.ts'

const OWNER = 'hamlet@denmark.lit/elsinore'
const publish = (id: string) => `<publish node='n'><item id='${id}'>${PAYLOAD}</item></publish>`

test('on a disk that fails subscribers hear what was committed, and its publisher that it was not kept', async (t) => {
  const directory = await newDirectory(t)
  const failed = new EventEmitter()
  const scene = await PubsubBehindServer.start(t, { directory, onFailed: (error) => void failed.emit('failed', error) })
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n')
  await francisco.set(`<subscribe node='n' jid='${francisco.jid}'/>`)
  await hamlet.create('another') // The subscription is on the disk with that.
  breakDisk(directory)
  const told = once(failed, 'failed')
  t.is(await hamlet.publish('n', 'one'), 'cancel internal-server-error')
  t.like(await told, [{ code: 'ERR_STORAGE' }])
  t.truthy((await francisco.message()).getChild('event', NS.pubsubEvent))
  t.is(await hamlet.publish('n', 'two'), 'cancel internal-server-error')
  t.deepEqual(await francisco.messages(), [])
})

/** A service that notes whom it would tell, and what it answers, over a database. */
async function startNoting(t: Parameters<typeof openStorage>[0]) {
  const storage = await openStorage(t, undefined, pubsubMigrations)
  const pubsub = new Pubsub({ store: new SqliteStore(storage) })
  pubsub.create({ jid: OWNER }, { node: 'n' })
  await pubsub.settled()
  const course: string[] = []
  let hindrance = () => {}
  const notifications = {
    tell: (notices: readonly Notice[]) => void course.push(...notices.map(({ kind }) => kind)),
  }
  const session = new Session({}, () => Promise.reject(new Error('nobody connects')), { reconnect: 'never' })
  new PubsubService({ session, pubsub, notifications })
  const ask = async (from: string, inside: string) => {
    const asked = parseElement(`<iq type='set' id='1' from='${from}' to='${SERVICE}'>${inPubsub(inside)}</iq>`)
    const answering = session.iqs.answer(asked)
    queueMicrotask(hindrance)
    const answer = (await answering) as Element
    course.push(outcome(answer))
    return answer
  }
  return { storage, pubsub, course, ask, hinder: (how: () => void) => (hindrance = how) }
}

test('who publishes is answered behind the notification; who subscribes before anybody is told, without waiting for the disk', async (t) => {
  const { storage, pubsub, course, ask } = await startNoting(t)
  pubsub.configure({ jid: OWNER }, 'n', { notifySub: true })
  await pubsub.settled()
  let isDurable = false
  const published = ask(OWNER, publish('one'))
  void storage.settled().then(() => {
    isDurable = true
  })
  await storage.committed()
  await setImmediate()
  t.deepEqual(course.splice(0, 1), ['published'])
  await published
  t.deepEqual([course.splice(0), isDurable], [['result'], true])

  const subscribed = ask('a@x', "<subscribe node='n' jid='a@x'/>")
  void storage.settled().then(() => course.push('durable'))
  await subscribed
  await setImmediate()
  t.deepEqual(course.slice(0, 2), ['result', 'subscription'])
  await storage.settled()
})

test('of what is not committed nobody is told, and who asked for it hears an error', async (t) => {
  const { storage, pubsub, course, ask, hinder } = await startNoting(t)
  const clash = storage.change(
    "INSERT INTO node (id, name, kind, creator, created_ms, config, is_listed) SELECT id, name, '', '', 0, '', 0 FROM node",
  )
  hinder(() => t.throws(() => clash.run(), { code: 'ERR_STORAGE' }))
  for (const inside of [publish('one'), "<subscribe node='n' jid='a@x'/>"]) await ask(inside.startsWith('<pub') ? OWNER : 'a@x', inside)
  await setImmediate()
  t.deepEqual(course, ['cancel internal-server-error', 'cancel internal-server-error'])
  t.deepEqual(pubsub.items({ jid: OWNER }, { node: 'n' }).items, [])
  t.is(pubsub.subscriptions({ jid: 'a@x' }).count, 0)
})

test('what becomes of later changes is no matter of who is waiting for the disk', async (t) => {
  const { storage, pubsub, course, ask } = await startNoting(t)
  const clash = storage.change(
    "INSERT INTO node (id, name, kind, creator, created_ms, config, is_listed) SELECT id, name, '', '', 0, '', 0 FROM node",
  )
  const published = ask(OWNER, publish('one'))
  await storage.committed()
  t.throws(() => clash.run(), { code: 'ERR_STORAGE' })
  await published
  t.deepEqual(course, ['published', 'result'])
  t.is(pubsub.items({ jid: OWNER }, { node: 'n' }).items.length, 1)
})

test('a full disk: whoever asks hears the condition and nothing of the machine, the log what to do about it', async (t) => {
  const { storage, ask } = await startNoting(t)
  const log = keepLines()
  const clock = new FakeClock()
  logStorage(storage, log.logger, clock)
  storage.query('PRAGMA max_page_count = 1').get() // No more than there are.
  const long = `<publish node='n'><item><x xmlns='urn:example'>${'x'.repeat(60_000)}</x></item></publish>`
  const refused = [await ask(OWNER, long), await ask(OWNER, long)]
  for (const answer of refused) {
    t.is(outcome(answer), 'wait resource-constraint')
    t.is(answer.getChild('error')?.getChildText('text', NS.stanzas) ?? '', '')
  }
  await t.throwsAsync(storage.settled(), { code: 'ERR_STORAGE_FULL' })
  t.deepEqual(
    log.lines.map(({ level, suppressed, err }) => [level, suppressed, `${err}`.replace(/^.*; /, '')]),
    [['error', 0, 'the disk is full, or the database as large as it may be: make room, or raise --data-max']],
  )
})
