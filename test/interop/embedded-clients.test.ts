import type { ExecutionContext } from 'ava'
import { NS } from '../../src/xep/index.ts'
import { fileOf, selfSigned, startAuthority } from '../helpers/certificates.ts'
import { accountOf, DOMAIN, PROXY, startServer, type TestServer } from '../helpers/embedded-server.ts'
import { foreign } from '../helpers/foreign.ts'
import { ForeignClient } from '../helpers/foreign-client.ts'

const PYTHON = '/usr/bin/python3'

/** A client of somebody else, through one of the scripts in `peers/`. */
function startClient(t: ExecutionContext, script: string, jid: string, password: string, { client: { host, port } }: TestServer) {
  return new ForeignClient(t, { command: [PYTHON, `test/interop/peers/${script}`, jid, host, String(port)], password })
}

const romeo = accountOf('romeo')
const juliet = accountOf('juliet')

const testBoth = foreign('slixmpp and libpurple on the embedded server', ['slixmpp', 'libpurple'])

testBoth('slixmpp and libpurple log in and chat, in both directions', async (t) => {
  await using server = await startServer()
  const slixmpp = startClient(t, 'slixmpp-chat.py', `romeo@${DOMAIN}/slixmpp`, romeo.password, server)
  const purple = startClient(t, 'libpurple-chat.py', `juliet@${DOMAIN}/purple`, juliet.password, server)
  t.is((await slixmpp.next()).event, 'online')
  t.is((await purple.next()).event, 'online')

  slixmpp.order({ to: `juliet@${DOMAIN}`, body: 'By a name <& "I"> know not how to tell thee who I am: 🌹' })
  t.deepEqual(await purple.next(), {
    event: 'message',
    from: `romeo@${DOMAIN}/slixmpp`,
    body: 'By a name <& "I"> know not how to tell thee who I am: 🌹',
  })
  purple.order({ to: `romeo@${DOMAIN}/slixmpp`, body: 'Art thou not Romeo <& a Montague>? 🌙' })
  t.deepEqual(await slixmpp.next(), { event: 'message', from: `juliet@${DOMAIN}/purple`, body: 'Art thou not Romeo <& a Montague>? 🌙' })

  t.is(await slixmpp.close(), 0)
  t.is(await purple.close(), 0)
})

for (const [name, script] of [
  ['slixmpp', 'slixmpp-chat.py'],
  ['libpurple', 'libpurple-chat.py'],
] as const) {
  const test = foreign(`${name} on the embedded server`, [name])

  test(`${name} with a wrong password hears not-authorized, and says so`, async (t) => {
    await using server = await startServer()
    const client = startClient(t, script, `romeo@${DOMAIN}/x`, 'wrong', server)
    t.is((await client.next()).event, 'failed')
  })
}

const testSlixmpp = foreign('slixmpp and TLS of the embedded server', ['slixmpp'])

testSlixmpp('slixmpp encrypts by STARTTLS, checks the certificate, and chats with an account of ours', async (t) => {
  const authority = await startAuthority()
  await using server = await startServer({ tls: await authority.issue(DOMAIN) })
  const { host, port } = server.client
  const command = [PYTHON, 'test/interop/peers/slixmpp-chat.py', `romeo@${DOMAIN}/slixmpp`, host, String(port)] as const
  const start = (environment: Readonly<Record<string, string>>) => new ForeignClient(t, { command, password: romeo.password, environment })
  const slixmpp = start({ CA: await fileOf(t, authority.cert) })
  t.is((await slixmpp.next()).event, 'online')
  const peer = await server.login('juliet')
  t.teardown(() => peer.destroy())
  peer.send(`<message to='romeo@${DOMAIN}' type='chat'><body>over TLS</body></message>`)
  t.deepEqual(await slixmpp.next(), { event: 'message', from: peer.jid, body: 'over TLS' })
  t.is(await slixmpp.close(), 0)

  const suspicious = start({ CA: await fileOf(t, (await selfSigned(DOMAIN)).cert) })
  const { event, reason } = await suspicious.next()
  t.is(event, 'failed')
  t.regex(reason ?? '', /certificate verify failed/i)
})

const testPurple = foreign('libpurple and the components of the embedded server', ['libpurple'])

testPurple('libpurple finds a component in disco#items at login, and asks it what it is', async (t) => {
  await using server = await startServer()
  const proxy = await server.connectProxy()
  const purple = startClient(t, 'libpurple-chat.py', `juliet@${DOMAIN}/purple`, juliet.password, server)
  t.is((await purple.next()).event, 'online')
  let question = await proxy.next()
  while (question.name !== 'iq') question = await proxy.next()
  t.like(question.attrs, { from: `juliet@${DOMAIN}/purple`, to: PROXY, type: 'get' })
  t.truthy(question.getChild('query', NS.discoInfo))
  t.is(await purple.close(), 0)
})
