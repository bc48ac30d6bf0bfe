// Goal: the library our session takes its parts from logs in to the embedded server as its users get it: with parts we
// leave out (stream management, its own answers, reconnecting), and without what we put in.

import { once } from 'node:events'
import { client } from '@xmpp/client'
import test, { type ExecutionContext } from 'ava'
import { type Element, NS, xml } from '../../src/xep/index.ts'
import { accountOf, DOMAIN, type Name, startServer, type TestServer } from '../helpers/embedded-server.ts'

/** Of each step it takes: 2 s, as it comes, are over before a busy machine has read the answer. */
const timeout = 60_000

/** Online, until the test ends. */
async function logIn(t: ExecutionContext, { client: { host, port } }: TestServer, name: Name) {
  const { local, password } = accountOf(name)
  const xmpp = client({ service: `xmpp://${host}:${port}`, domain: DOMAIN, username: local, password, resource: 'xmpp.js', timeout })
  xmpp.on('error', (error: Error) => t.log(error.message))
  const jid = await xmpp.start()
  t.is(jid.toString(), `${local}@${DOMAIN}/xmpp.js`)
  return xmpp
}

test('@xmpp/client logs in, asks the server what it is, and sends a message', async (t) => {
  await using server = await startServer()
  const romeo = await logIn(t, server, 'romeo')
  const juliet = await logIn(t, server, 'juliet')

  const answer = await romeo.iqCaller.request(xml('iq', { type: 'get', to: DOMAIN }, xml('query', { xmlns: NS.discoInfo })))
  t.is(answer.getChild('query')?.getChild('identity')?.attrs['category'], 'server')

  const arrived = once(juliet, 'stanza') as Promise<[Element]>
  await romeo.send(xml('message', { to: `juliet@${DOMAIN}/xmpp.js`, type: 'chat' }, xml('body', {}, 'wherefore')))
  const [message] = await arrived
  t.is(message.getChildText('body'), 'wherefore')
  t.is(message.attrs['from'], `romeo@${DOMAIN}/xmpp.js`)
  await Promise.all([romeo.stop(), juliet.stop()])
})

test('@xmpp/client is told that its password is wrong', async (t) => {
  await using server = await startServer()
  const { host, port } = server.client
  const xmpp = client({ service: `xmpp://${host}:${port}`, domain: DOMAIN, username: 'romeo', password: 'guessed', timeout })
  xmpp.reconnect.stop()
  xmpp.on('error', () => {})
  const error = await t.throwsAsync(xmpp.start())
  t.is(error.name, 'SASLError')
  await xmpp.stop()
})
