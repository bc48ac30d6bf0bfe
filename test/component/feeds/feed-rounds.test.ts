// Goal: what feeds say when their service begins, comes back, and ends, and that many contacts keep nobody waiting.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { PublishSubscribe } from '../../../src/component/index.ts'
import { silentLogger, systemClock } from '../../../src/core/index.ts'
import { attribute, type Element, NS } from '../../../src/xep/index.ts'
import { openLine } from '../../helpers/component-line.ts'
import { ACCOUNT, DEVICE, FEEDS, FeedLine, NODE } from '../../helpers/feed-line.ts'
import { pubsub } from '../../helpers/pubsub-examples.ts'

const REFUSES = 'wall8@example.org'
const GONE = 'wall9@example.org'

const folder = mkdtempSync(join(tmpdir(), 'streamhost-feeds-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const sorted = (texts: readonly string[]) => [...texts].sort()

test('at its end the service says unavailable to all who have its presence', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  await feed.befriend()
  feed.presence(REFUSES, 'subscribe')
  await feed.said()
  await feed.whole.drain(60_000)
  t.deepEqual(sorted(await feed.said()), [`unavailable ${ACCOUNT}`, `unavailable ${REFUSES}`])
  feed.presence(GONE, 'subscribe')
  t.deepEqual(await feed.said(), [], 'who comes now has to come again')
})

test('at its start it shows itself to its contacts, asks for presence where it has been granted, and looks for the others', async (t) => {
  const directory = join(folder, 'start')
  const first = await FeedLine.open(t, { directory })
  await first.create()
  await first.befriend()
  first.presence(DEVICE)
  for (const account of [REFUSES, GONE]) {
    first.presence(account, 'subscribe')
    await first.said()
    first.presence(`${account}/screen`, 'probe')
  }
  await first.said()
  await first.line.session.stop()
  await first.whole[Symbol.asyncDispose]()

  const second = await FeedLine.open(t, { directory })
  t.deepEqual(second.there(), [])
  const asked: Element[] = []
  const said: string[] = []
  while (asked.length < 2 || said.length < 4) {
    const heard = await second.line.hear()
    if (heard.name === 'iq') asked.push(heard)
    else said.push(`${attribute(heard, 'type') ?? 'available'} ${attribute(heard, 'to')}`)
  }
  t.deepEqual(sorted(said), sorted([`available ${ACCOUNT}`, `probe ${ACCOUNT}`, `available ${REFUSES}`, `available ${GONE}`]))
  t.deepEqual(sorted(asked.map((each) => attribute(each, 'to') ?? '')), [`${REFUSES}/screen`, `${GONE}/screen`])
  for (const question of asked) {
    const [id, to] = [attribute(question, 'id'), attribute(question, 'to')]
    const answer = `id='${id}' from='${to}' to='${FEEDS}'`
    if (to?.startsWith(REFUSES)) second.line.say(`<iq type='result' ${answer}><query xmlns='${NS.discoInfo}'/></iq>`)
    else second.line.say(`<iq type='error' ${answer}><error type='cancel'><service-unavailable xmlns='${NS.stanzas}'/></error></iq>`)
  }
  second.presence(DEVICE)
  await second.said()
  t.deepEqual([second.there(), second.there(REFUSES), second.there(GONE)], [[DEVICE], [`${REFUSES}/screen`], []])
})

test('who is there is found out anew when a connection was lost', async (t) => {
  const feed = await FeedLine.open(t, {}, true)
  await feed.create()
  await feed.ask(DEVICE, 'set', pubsub(`<subscribe node='${NODE}' jid='${ACCOUNT}'/>`))
  feed.presence(DEVICE, undefined, '', FEEDS)
  t.deepEqual(feed.there(), [DEVICE])
  feed.line.lose()
  const question = await feed.line.hear()
  t.deepEqual([attribute(question, 'to'), feed.there()], [DEVICE, []])
  feed.line.say(
    `<iq type='error' id='${attribute(question, 'id')}' from='${DEVICE}' to='${FEEDS}'><error type='cancel'><feature-not-implemented xmlns='${NS.stanzas}'/></error></iq>`,
  )
  await feed.said()
  t.deepEqual(feed.there(), [DEVICE], 'a device that does not know service discovery is there, too')
})

test('ten thousand contacts are told in pieces, between which others are heard', async (t) => {
  const whole = await PublishSubscribe.open(
    { clock: systemClock, logger: silentLogger },
    { directory: undefined, limits: {}, mayCreate: () => true, onFailed: (error) => t.fail(error.message) },
  )
  const { pubsub: core } = whole
  core.create({ jid: 'ci@example.org' }, { node: NODE })
  const { id } = core.node(NODE)
  for (let contact = 0; contact < 10_000; contact++) {
    const account = `wall${contact}@example.org`
    core.contacts.take(id, account, 'subscribe')
    core.contacts.take(id, account, 'letIn')
  }
  const pieces: number[] = []
  const line = await openLine(t, FEEDS, {
    attach: (session) => {
      whole.attach(session, FEEDS)
      const sendPiece = session.sendPiece.bind(session)
      session.sendPiece = (text) => {
        pieces.push(text.length)
        return sendPiece(text)
      }
    },
  })
  t.teardown(() => whole[Symbol.asyncDispose]())
  let told = 0
  while (told < 10_000) if ((await line.hear()).name === 'presence') told += 1
  t.true(pieces.length > 10, `${pieces.length} pieces`)
  t.true(Math.max(...pieces) < 70_000)
})
