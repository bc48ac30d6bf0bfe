// Goal: a server that reads slowly, or is lost and found again, costs neither memory nor answers nor what is to be told.
// Method: real sockets; the server is the test, which reads when it wants to.

import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { componentConnector, Session, type SessionEvents } from '../../../src/session/index.ts'
import { BACKLOG_BYTES_MAX } from '../../../src/session/xml-stream.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { SERVICE, TellingScene } from '../../helpers/pubsub-notifications.ts'
import { acceptComponent, listenScripted, type ServerSide } from '../../helpers/scripted-server.ts'

async function open(t: ExecutionContext) {
  const server = await listenScripted(t)
  const clock = new FakeClock()
  const { host, port } = server
  const connect = componentConnector(clock, { jid: SERVICE, secret: 'test', service: { host, port } })
  const session = new Session({ clock }, connect, { reconnect: 'always' })
  t.teardown(() => session.stop())
  const scene = new TellingScene(session, clock)
  const started = session.start()
  const side = await acceptComponent(server, SERVICE)
  await started
  /** The server's side of the next connection. */
  const again = async () => {
    const [{ retryMs }] = (await once(session, 'offline')) as SessionEvents['offline']
    const accepted = acceptComponent(server, SERVICE)
    clock.advance(retryMs)
    return accepted
  }
  return { session, scene, side, again }
}

const subscribers = (count: number) => Array.from({ length: count }, (_, n) => `u${n}@denmark.lit`)
/** Whom the stanzas are for that came; those are taken. */
async function hearAll(side: ServerSide, count: number): Promise<string[]> {
  const told: string[] = []
  while (told.length < count) told.push(await side.hears(/<message [^>]* to="([^"]*)"[\s\S]*?<\/message>/))
  return told
}

test('while a server does not read, one piece waits for it; its questions are answered in between', async (t) => {
  const { session, scene, side } = await open(t)
  session.iqs.handle('get', 'urn:example', 'q', () => undefined)
  const count = 2_000
  scene.node('news', subscribers(count))
  side.socket.pause()
  const payload = `<a xmlns="urn:example">${'x'.repeat(16 * 1024)}</a>`
  t.true(count * payload.length > 1.5 * BACKLOG_BYTES_MAX, 'more than a connection may leave unread')
  scene.announce('news', 'a', payload)
  let sent = -1
  while (sent !== scene.notifications.counts.sent || sent === 0) {
    sent = scene.notifications.counts.sent
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  }
  t.true(sent < count, 'the system does not take all')
  side.say(`<iq type='get' id='q1' from='denmark.lit' to='${SERVICE}'><q xmlns='urn:example'/></iq>`)
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  const fragments: string[] = []
  side.socket.on('data', (text: string) => fragments.push(text))
  side.socket.resume()
  while (scene.notifications.counts.waiting > 0) await new Promise(setImmediate)
  side.say(`<iq type='get' id='q2' from='denmark.lit' to='${SERVICE}'><q xmlns='urn:example'/></iq>`)
  while (!fragments.slice(-2).join('').includes('id="q2"')) await new Promise(setImmediate)
  const heard = fragments.join('')
  t.is(heard.match(/<message /g)?.length, count)
  t.is(new Set(heard.match(/ to="[^"]*"/g)).size, count + 1, 'each once, and who has asked')
  const answered = heard.indexOf('<iq type="result" id="q1"')
  t.true(answered > 0 && answered < heard.length - 64 * 1024, 'answered before all are told')
  t.true(session.isOnline)
})

test('what is to be told waits while there is no connection, and goes on where it was', async (t) => {
  const { session, scene, side, again } = await open(t)
  const count = 4_000
  scene.node('news', subscribers(count))
  scene.node('other', ['z@denmark.lit'])
  side.socket.pause()
  scene.announce('news', 'a', `<a xmlns="urn:example">${'x'.repeat(8 * 1024)}</a>`)
  let sent = -1
  while (sent !== scene.notifications.counts.sent || sent === 0) {
    sent = scene.notifications.counts.sent
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  }
  t.true(sent < count)
  const accepted = again()
  side.socket.destroy()
  await once(session, 'offline')
  scene.announce('other', 'b')
  t.is(scene.notifications.counts.waiting, 2)
  const next = await accepted
  const told = await hearAll(next, count - sent + 1)
  t.is(told.filter((to) => to === 'z@denmark.lit').length, 1)
  const rest = told.filter((to) => to !== 'z@denmark.lit')
  t.deepEqual(rest, subscribers(count).slice(sent))
  while (scene.notifications.counts.waiting > 0) await new Promise(setImmediate)
  t.is(scene.notifications.counts.waitingBytes, 0)
})

test('when the session is over, nothing waits any more, and how much did is logged', async (t) => {
  const { session, scene, side, again } = await open(t)
  scene.node('news', ['z@denmark.lit'])
  const accepted = again()
  side.socket.destroy()
  await once(session, 'offline')
  scene.announce('news', 'a')
  t.is(scene.notifications.counts.waiting, 1)
  await session.stop()
  t.is(scene.notifications.counts.waiting, 0)
  t.deepEqual(
    scene.log.lines.map(({ sentence, waiting }) => [sentence, waiting]),
    [['not everybody was told of what has happened: the service ends', 1]],
  )
  void accepted
})
