// Goal: SIGTERM takes nothing away from subscribers that can still be told, and says what it takes away.
// Method: `serve` as a process of its own; its server is the test, which reads when it wants to.

import test, { type ExecutionContext } from 'ava'
import { startCli } from '../helpers/cli.ts'
import { pubsub } from '../helpers/pubsub-examples.ts'
import { acceptComponent, listenScripted } from '../helpers/scripted-server.ts'
import { PUBSUB } from '../helpers/serve-pubsub.ts'

const OWNER = 'hamlet@localhost/desk'
const PAYLOAD_BYTES = 32 * 1024
/** 16 MiB: more than the system takes for a server that does not read. */
const SUBSCRIBERS = 512

/** A node with subscribers whose publish has been answered, and a server that has stopped reading. */
async function setScene(t: ExecutionContext, drainTime: string) {
  const server = await listenScripted(t)
  const at = ['--service', `xmpp://${server.host}:${server.port}`, '--domain', PUBSUB]
  const args = ['serve', '--json', '--pubsub-only', '--pubsub', ...at, '--drain-time-max', drainTime, '--log-level', 'info']
  const cli = startCli(t, args, { STREAMHOST_SECRET: 'test' })
  const side = await acceptComponent(server, PUBSUB)
  await cli.event('ready')
  const ask = (id: string, payload: string, from = OWNER) =>
    side.say(`<iq type='set' id='${id}' from='${from}' to='${PUBSUB}'>${pubsub(payload)}</iq>`)
  const publish = (id: string, bytes: number) =>
    ask(id, `<publish node='news'><item id='${id}'><a xmlns='urn:example'>${'x'.repeat(bytes)}</a></item></publish>`)
  ask('create', "<create node='news'/>")
  await side.hears(/<iq type="result" id="create"/)
  for (let at = 0; at < SUBSCRIBERS; at++) ask(`s${at}`, `<subscribe node='news' jid='u${at}@localhost'/>`, `u${at}@localhost/desk`)
  for (let at = 0; at < SUBSCRIBERS; at++) await side.hears(/<iq type="result" id="s\d+"/)
  publish('a', PAYLOAD_BYTES)
  await side.hears(/<message /)
  side.socket.pause()
  return { cli, side, publish }
}

test('SIGTERM: what waits is told, new requests are refused, and then it ends with 0', async (t) => {
  const { cli, side, publish } = await setScene(t, '9h')
  cli.child.kill('SIGTERM')
  await cli.logged('stopping')
  publish('late', 10)
  let tail = ''
  const behind = new Promise<string>((resolve) => {
    side.socket.on('data', (text: string) => {
      tail = `${tail.slice(-1000)}${text}`
      const [, id] = /<iq type="get" id="([^"]*)"[^>]*><ping/.exec(tail) ?? []
      if (id !== undefined) resolve(id)
    })
  })
  side.socket.resume()
  const id = await behind
  const heard = side.rest
  t.is(heard.match(/<a xmlns="urn:example">x/g)?.length, SUBSCRIBERS)
  t.regex(heard, /<iq type="error" id="late"[^>]*><error type="wait"><service-unavailable/)
  side.say(`<iq type='result' id='${id}' from='${PUBSUB}' to='${PUBSUB}'/>`)
  side.say('</stream:stream>')
  const { code, stderr } = await cli.ended
  t.is(code, 0)
  t.notRegex(stderr, /not everybody was told/)
})

test('--drain-time-max: what the server does not read in time is dropped, which is said, and it ends with 0', async (t) => {
  const { cli } = await setScene(t, '50ms')
  cli.child.kill('SIGTERM')
  const { waiting, waitingBytes } = await cli.logged('not everybody was told of what has happened: the service ends')
  t.is(waiting, 1)
  t.true(Number(waitingBytes) > PAYLOAD_BYTES)
  t.is((await cli.ended).code, 0)
})
