import { once } from 'node:events'
import { client as xmppClient } from '@xmpp/client'
import test, { type ExecutionContext } from 'ava'
import { BytestreamError, type Clock, type ErrorCode, StanzaError, systemClock } from '../../src/core/index.ts'
import {
  type AccountInit,
  answerEntityQueries,
  clientConnector,
  Session,
  type SessionEvents,
  type SessionInit,
} from '../../src/session/index.ts'
import { buildPing, type Element, xml } from '../../src/xep/index.ts'
import { startCutLine } from '../helpers/cut-line.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { heldResources, untilHeld } from '../helpers/held.ts'
import { type Meddling, meddle, refuseResources } from '../helpers/meddler.ts'
import { freePort } from '../helpers/prosody.ts'
import { type Address, login } from '../helpers/raw-client.ts'
import { listenScripted } from '../helpers/scripted-server.ts'
import { ejabberd, embedded, onEachServer, type ServerUnderTest } from '../helpers/server.ts'

const BACK_OFF = { firstMs: 1, retryMsMax: 20 }
const TEXT = 'Grüße, 漢字 und 😀'

/** An account's session, stopped when the test is over. */
function open(t: ExecutionContext, { host, port }: Address, init: Partial<AccountInit & SessionInit> & { clock?: Clock } = {}) {
  const { clock = systemClock, reconnect = 'once online', ...account } = init
  const service = `xmpp://${host}:${port}`
  const connect = clientConnector(clock, { jid: 'romeo@localhost', password: 'pencil', service, ...account })
  const session = new Session({ clock }, connect, { reconnect, backOff: BACK_OFF })
  t.teardown(() => session.stop())
  return session
}

const offline = async (session: Session) => ((await once(session, 'offline')) as SessionEvents['offline'])[0]
const message = async (session: Session) => ((await once(session, 'message')) as SessionEvents['message'])[1]

onEachServer('account sessions', { accounts: ['romeo', 'juliet', 'nurse', 'mercutio'] }, (serverTest, kind) => {
  serverTest('a bare JID logs in, and the server names the resource', async (t, { client }) => {
    t.regex(await open(t, client).start(), /^romeo@localhost\/./)
  })

  serverTest('a full JID logs in as that resource, prepared', async (t, { client }) => {
    t.is(await open(t, client, { jid: 'ROMEO@LocalHost/Orchard' }).start(), 'romeo@localhost/Orchard')
  })

  serverTest('a wrong password is said to be one, and not tried again', async (t, { client }) => {
    const session = open(t, client, { password: 'guessed', reconnect: 'always' })
    const error = await t.throwsAsync(session.start(), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_AUTHENTICATION')
    t.regex(error.message, new RegExp(`^xmpp://127.0.0.1:${client.port} refuses to log romeo@localhost in \\(not-authorized\\)`))
    t.false(error.message.includes('guessed'))
  })

  serverTest('an unknown account fails as a wrong password does', async (t, { client }) => {
    const error = await t.throwsAsync(open(t, client, { jid: 'nobody@localhost' }).start(), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_AUTHENTICATION')
  })

  serverTest('a domain that lives elsewhere is said to', async (t, { client }) => {
    const error = await t.throwsAsync(open(t, client, { jid: 'romeo@example.org' }).start(), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_HOST_UNKNOWN')
    t.is(error.message, `xmpp://127.0.0.1:${client.port} does not serve example.org`)
  })

  serverTest('XEP-0199: it is pinged, asks others, and messages pass both ways', async (t, server) => {
    const session = open(t, server.client, { jid: 'juliet@localhost/balcony' })
    answerEntityQueries(session.iqs, systemClock, { name: 'n', version: 'v' })
    await session.start()
    const peer = await login(server.client, server.account('nurse'), 'hall')
    t.teardown(() => peer.destroy())

    peer.send(`<iq type='get' id='p1' to='juliet@localhost/balcony'><ping xmlns='urn:xmpp:ping'/></iq>`)
    t.like((await peer.next()).attrs, { type: 'result', id: 'p1', from: 'juliet@localhost/balcony' })

    const arrived = message(session)
    peer.send(`<message to='juliet@localhost/balcony' type='chat'><body>${TEXT}</body></message>`)
    t.is((await arrived).getChildText('body'), TEXT)
    session.send(xml('message', { to: peer.jid, type: 'chat' }, xml('body', {}, TEXT)))
    t.is((await peer.next()).getChildText('body'), TEXT)

    t.is(await session.request({ type: 'get', to: server.domain, payload: buildPing() }), undefined)
  })

  serverTest('stanzas that were written before pass in pieces, and none that comes too late', async (t, server) => {
    const session = open(t, server.client, { jid: 'juliet@localhost/garden' })
    await session.start()
    const peer = await login(server.client, server.account('nurse'), 'cellar')
    t.teardown(() => peer.destroy())
    const stanzas = ['one', 'two'].map((body) => `<message to='${peer.jid}' type='chat'><body>${body}</body></message>`)
    t.true(await session.sendPiece(stanzas.join('')))
    t.deepEqual([(await peer.next()).getChildText('body'), (await peer.next()).getChildText('body')], ['one', 'two'])
    await session.stop()
    t.false(await session.sendPiece(stanzas.join('')))
  })

  serverTest('what was said just before it stops arrives, in its order, pieces among it', async (t, server) => {
    const session = open(t, server.client, { jid: 'juliet@localhost/gate' })
    await session.start()
    const peer = await login(server.client, server.account('nurse'), 'attic')
    t.teardown(() => peer.destroy())
    const chat = (body: string) => xml('message', { to: peer.jid, type: 'chat' }, xml('body', {}, body))
    session.send(chat('one'))
    const taken = session.sendPiece(`${chat('two')}${chat('three')}`)
    session.send(chat('four'))
    await session.stop()
    t.true(await taken)
    for (const body of ['one', 'two', 'three', 'four']) t.is((await peer.next()).getChildText('body'), body)
  })

  for (const how of ['cut', 'lose'] as const) {
    const what = how === 'cut' ? 'a connection that breaks' : 'a connection that is gone, and the server does not know'
    serverTest(`${what} comes back under the address the server gave it, and is seen to be there`, async (t, server) => {
      const line = await startCutLine(t)
      line.to = server.client
      const peer = await login(server.client, server.account('nurse'), `window-${how}`)
      t.teardown(() => peer.destroy())
      const session = open(t, line)
      session.on('online', () => session.send(xml('presence', { to: peer.jid })))
      const jid = await session.start()
      t.like(await peer.next(), { name: 'presence', attrs: { from: jid } })
      const back = once(session, 'online') as Promise<SessionEvents['online']>
      line[how]()
      t.is((await back)[0].jid, jid)
      const shown = [await peer.next(), await peer.next()].map(({ attrs }) => `${attrs['type'] ?? 'available'} ${attrs['from']}`)
      // ejabberd says both at once, from two places.
      if (kind === ejabberd) shown.sort().reverse()
      t.deepEqual(shown, [`unavailable ${jid}`, `available ${jid}`])
    })
  }

  serverTest('when another login takes its resource it gives way', async (t, server) => {
    const session = open(t, server.client, { jid: 'mercutio@localhost/street' })
    await session.start()
    const ended = once(session, 'ended') as Promise<SessionEvents['ended']>
    const other = await login(server.client, server.account('mercutio'), 'street')
    t.teardown(() => other.destroy())
    const [{ error }] = await ended
    t.is(error?.code, 'ERR_REPLACED')
    t.is(error?.message, 'another connection took over mercutio@localhost/street')
  })
})

/** An embedded server of the test's own, with what meddles on the way to it. */
async function behind(t: ExecutionContext, meddling: { fromServer?: Meddling; fromClient?: Meddling } = {}) {
  const server: ServerUnderTest = await embedded.start({ accounts: ['romeo', 'juliet'] })
  t.teardown(() => server[Symbol.asyncDispose]())
  return { server, meddler: await meddle(t, server.client, meddling) }
}

test('@xmpp/client itself is a peer of ours: a message and a question, both ways', async (t) => {
  const { server } = await behind(t)
  const session = open(t, server.client, { jid: 'romeo@localhost/orchard' })
  session.iqs.handle('get', 'urn:example:q', 'q', ({ from }) => xml('a', { xmlns: 'urn:example:q', from }))
  await session.start()
  const { host, port } = server.client
  const peer = xmppClient({
    service: `xmpp://${host}:${port}`,
    domain: 'localhost',
    username: 'juliet',
    password: 'pencil',
    resource: 'balcony',
  })
  peer.on('error', (error: Error) => t.log(error.message))
  t.is(String(await peer.start()), 'juliet@localhost/balcony')

  const question = xml('iq', { type: 'get', to: session.jid }, xml('q', { xmlns: 'urn:example:q' }))
  const answer = await peer.iqCaller.request(question)
  t.is(answer.getChild('a', 'urn:example:q')?.attrs['from'], 'juliet@localhost/balcony')
  const unknown = session.request({ type: 'get', to: 'juliet@localhost/balcony', payload: xml('q', { xmlns: 'urn:example:q' }) })
  t.is((await t.throwsAsync(unknown, { instanceOf: StanzaError })).condition, 'service-unavailable')

  const arrived = message(session)
  await peer.send(xml('message', { to: session.jid }, xml('body', {}, TEXT)))
  t.is((await arrived).getChildText('body'), TEXT)
  const heard = once(peer, 'stanza') as Promise<[Element]>
  session.send(xml('message', { to: 'juliet@localhost/balcony' }, xml('body', {}, TEXT)))
  t.is((await heard)[0].getChildText('body'), TEXT)
  await peer.stop()
})

test('a server that cannot be reached is said to be', async (t) => {
  const port = await freePort()
  const error = await t.throwsAsync(open(t, { host: '127.0.0.1', port }).start(), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_UNREACHABLE')
  t.regex(error.message, new RegExp(`^xmpp://127.0.0.1:${port} cannot be reached: `))
})

test('octet by octet, login and stanzas are the same', async (t) => {
  const oneByOne: Meddling = (octets) => Array.from(octets, (octet) => Buffer.from([octet]))
  const { server, meddler } = await behind(t, { fromServer: oneByOne, fromClient: oneByOne })
  const session = open(t, meddler, { jid: 'romeo@localhost/orchard' })
  t.is(await session.start(), 'romeo@localhost/orchard')
  const peer = await login(server.client, server.account('juliet'))
  t.teardown(() => peer.destroy())
  const arrived = message(session)
  peer.send(`<message to='${session.jid}'><body>${TEXT}</body></message>`)
  t.is((await arrived).getChildText('body'), TEXT)
})

test('what a stranger makes too big or too deep comes without its content, and the session goes on', async (t) => {
  const { meddler } = await behind(t)
  const session = open(t, meddler)
  await session.start()
  session.on('offline', () => t.fail('the connection was given up'))
  for (const content of ['x'.repeat(300_000), `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`, `<body>${TEXT}</body>`]) {
    const arrived = message(session)
    meddler.link.client.write(`<message from='juliet@localhost/x' to='${session.jid}'>${content}</message>`)
    t.is((await arrived).getChildText('body'), content.includes(TEXT) ? TEXT : null)
  }
})

const breaks = test.macro({
  async exec(t, said: string, code: ErrorCode) {
    const { meddler } = await behind(t)
    const session = open(t, meddler)
    session.on('message', () => t.fail('it is none'))
    await session.start()
    const { client } = meddler.link
    const hungUp = Promise.race([once(client, 'end'), once(client, 'close')])
    const back = once(session, 'online')
    client.write(said)
    const { error } = await offline(session)
    t.is(error.code, code)
    await hungUp
    await back
    t.is(meddler.links.length, 2, 'it comes back')
  },
  title: (given) => `the connection is given up when the server ${given}`,
})
test('sends what is no XML', breaks, '<message></presence>', 'ERR_STREAM')
test('sends a document type', breaks, '<!DOCTYPE x>', 'ERR_STREAM')
test('ends its stream', breaks, '</stream:stream>', 'ERR_SESSION_CLOSED')
test(
  'has to go',
  breaks,
  "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
  'ERR_STREAM',
)

test('a server that ends its stream has ours ended as well', async (t) => {
  const { meddler } = await behind(t)
  const session = open(t, meddler, { reconnect: 'never' })
  await session.start()
  const { client } = meddler.link
  let heard = ''
  client.on('data', (octets: Buffer) => {
    heard += octets
  })
  client.write('</stream:stream>')
  await once(session, 'ended')
  t.true(heard.endsWith('</stream:stream>'), heard)
})

test('a connection that breaks comes back, with all that listens', async (t) => {
  const { server, meddler } = await behind(t)
  const session = open(t, meddler, { jid: 'romeo@localhost/orchard' })
  await session.start()
  const question = session.request({ type: 'get', to: 'juliet@localhost/nowhere', payload: buildPing() })
  await t.throwsAsync(question)
  const lost = offline(session)
  meddler.link.client.resetAndDestroy()
  meddler.link.server.resetAndDestroy()
  t.is((await lost).error.code, 'ERR_SESSION_CLOSED')
  await once(session, 'online')
  t.is(await session.request({ type: 'get', to: server.domain, payload: buildPing() }), undefined)
})

test('the server is asked where it is only once: it cannot send us elsewhere', async (t) => {
  const elsewhere = await listenScripted(t)
  const { meddler } = await behind(t)
  const session = open(t, meddler, { reconnect: 'never' })
  await session.start()
  const ended = once(session, 'ended') as Promise<SessionEvents['ended']>
  const there = `<see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>127.0.0.1:${elsewhere.port}</see-other-host>`
  meddler.link.client.write(`<stream:error>${there}</stream:error></stream:stream>`)
  const [{ error }] = await ended
  t.is(error?.code, 'ERR_STREAM')
  t.regex(error?.message ?? '', /see-other-host/)
  void elsewhere.next().then(() => t.fail('it went there'))
  await new Promise(setImmediate)
})

/** A session that was asked something, and has lost its connection since. */
async function askedBefore(t: ExecutionContext, meddling: Parameters<typeof behind>[1] = {}) {
  const { server, meddler } = await behind(t, meddling)
  const session = open(t, meddler)
  const asked = new Promise<() => void>((resolve) => {
    session.iqs.handle('get', 'x', 'q', () => new Promise((answer) => resolve(() => answer(undefined))))
  })
  await session.start()
  const peer = await login(server.client, server.account('juliet'), 'balcony')
  t.teardown(() => peer.destroy())
  peer.send(`<iq type='get' id='q1' to='${session.jid}'><q xmlns='x'/></iq>`)
  const answer = await asked
  meddler.link.client.resetAndDestroy()
  await once(session, 'online')
  return { session, peer, answer }
}

test('what was asked on the connection before is answered on the next one, of the same address', async (t) => {
  const { session, peer, answer } = await askedBefore(t)
  answer()
  t.like((await peer.next()).attrs, { type: 'result', id: 'q1', from: session.jid })
})

test('what was asked of another address than we have now is not answered', async (t) => {
  const { session, peer, answer } = await askedBefore(t, refuseResources)
  answer()
  session.send(xml('message', { to: peer.jid }, xml('body', {}, 'behind that')))
  t.is((await peer.next()).name, 'message')
})

/** What becomes of a session whose server ends the second stream at a step of the login. */
for (const [step, seen, ending, isSame] of [
  ['asked for a resource, says conflict', '<resource>', '<conflict', false],
  ['asked for a resource, hangs up', '<resource>', '', false],
  ['about to shut down, ends the login', '<auth ', '<system-shutdown', true],
] as const) {
  test(`a server that, ${step}, is tried again${isSame ? ' for the same address' : ', and asked for any'}`, async (t) => {
    const { meddler } = await behind(t, {
      fromClient: (octets) => {
        if (meddler.links.length !== 2 || !octets.includes(seen)) return [octets]
        const error = `<stream:error>${ending} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`
        meddler.link.client.end(ending && error)
        return []
      },
    })
    const session = open(t, meddler)
    const before = await session.start()
    meddler.link.client.resetAndDestroy()
    const [{ jid }] = (await once(session, 'online')) as SessionEvents['online']
    t.is(meddler.links.length, 3)
    t.is(jid === before, isSame)
  })
}

test('a server that refuses the resource it gave before is asked for any', async (t) => {
  const { meddler } = await behind(t, refuseResources)
  const session = open(t, meddler)
  const before = await session.start()
  const told: string[] = []
  session.on('offline', ({ error }) => told.push(error.code))
  meddler.link.client.resetAndDestroy()
  const [{ jid }] = (await once(session, 'online')) as SessionEvents['online']
  t.not(jid, before)
  t.deepEqual(told, ['ERR_SESSION_CLOSED'])
})

test('a server that gives another resource than it is asked for is asked for what it gave last, and not for what grows', async (t) => {
  const asked: string[] = []
  let change = (resource: string) => `${resource}.1`
  const { meddler } = await behind(t, {
    fromClient: (octets) => {
      const text = octets.toString().replace(/<resource>([^<]*)</, (_, resource: string) => {
        asked.push(resource)
        return `<resource>${change(resource)}<`
      })
      return [text]
    },
  })
  const session = open(t, meddler)
  const first = await session.start()
  const resources: string[] = []
  const comeBack = async () => {
    meddler.link.client.resetAndDestroy()
    const [{ jid }] = (await once(session, 'online')) as SessionEvents['online']
    resources.push(jid.slice(jid.indexOf('/') + 1))
  }
  const own = first.slice(first.indexOf('/') + 1)
  await comeBack()
  await comeBack()
  t.deepEqual(
    [asked, resources],
    [
      [own, own],
      [`${own}.1`, `${own}.1`],
    ],
  )
  change = () => 'another'
  await comeBack()
  await comeBack()
  t.deepEqual(asked.slice(2), [own, 'another'])
})

test('a server that keeps the former connection of a resource of the account’s own is tried again', async (t) => {
  let isKept = true
  const { meddler } = await behind(t, {
    fromServer: (octets) => {
      const [, id] = /<iq [^>]*id=["']([^"']+)/.exec(octets.toString()) ?? []
      if (meddler.links.length !== 2 || !octets.includes('<jid>')) return [octets]
      isKept = false
      const conflict = "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
      return [`<iq type='error' id='${id}'><error type='cancel'>${conflict}</error></iq>`]
    },
  })
  const session = open(t, meddler, { jid: 'romeo@localhost/orchard' })
  await session.start()
  const told: string[] = []
  session.on('offline', ({ error }) => told.push(error.message))
  meddler.link.client.resetAndDestroy()
  await once(session, 'online')
  t.false(isKept)
  t.is(session.jid, 'romeo@localhost/orchard')
  t.is(told.at(-1), `xmpp://127.0.0.1:${meddler.port} has another connection as romeo@localhost/orchard, and keeps that`)
})

test('stanzas behind the address it was given, in the same segment, are heard', async (t) => {
  const iq = "<iq type='get' id='early' from='juliet@localhost/x' to='romeo@localhost/orchard'><q xmlns='x'/></iq>"
  let answered = (_: string) => {}
  const answer = new Promise<string>((resolve) => {
    answered = resolve
  })
  const { meddler } = await behind(t, {
    fromServer: (octets) =>
      octets.includes('<jid>') ? [Buffer.concat([octets, Buffer.from(`${iq}<presence from='juliet@localhost/x'/>`)])] : [octets],
    fromClient: (octets) => {
      if (octets.includes('early')) answered(octets.toString())
      return [octets]
    },
  })
  const session = open(t, meddler, { jid: 'romeo@localhost/orchard' })
  session.iqs.handle('get', 'x', 'q', () => undefined)
  const told: string[] = []
  session.on('online', () => told.push('online'))
  session.on('presence', () => told.push('presence'))
  await session.start()
  t.regex(await answer, /^<iq type="result" id="early"/)
  t.deepEqual(told, ['online', 'presence'])
})

test('stanzas before the login are nobody’s', async (t) => {
  const injected = "<presence from='juliet@localhost/x'/><message from='localhost'><body>hear me</body></message>"
  const { server, meddler } = await behind(t, {
    fromServer: (octets) => (octets.includes('</stream:features>') && octets.includes('mechanism') ? [octets, injected] : [octets]),
  })
  const session = open(t, meddler)
  session.on('presence', () => t.fail('presence'))
  session.on('message', () => t.fail('message'))
  await session.start()
  await session.request({ type: 'get', to: server.domain, payload: buildPing() })
  t.pass()
})

const HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1' from='localhost'>"
const features = (mechanism: string) =>
  `<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>${mechanism}</mechanism></mechanisms></stream:features>`

/** How far a server goes with a login. */
const steps = { connecting: '', 'its header': HEADER, 'its features': HEADER + features('SCRAM-SHA-1') } as const

/** A server that goes as far as `step`, and a session that has come as far. */
async function upTo(t: ExecutionContext, step: keyof typeof steps, init: Partial<AccountInit> & { clock?: Clock } = {}) {
  const server = await listenScripted(t)
  const session = open(t, server, init)
  const failed = t.throwsAsync(session.start(), { instanceOf: BytestreamError })
  const side = await server.next()
  await side.hears(/<stream:stream[^>]*>/)
  side.say(steps[step])
  if (step === 'its features') await side.hears(/<auth/)
  return { session, side, failed }
}

for (const step of ['connecting', 'its header', 'its features'] as const) {
  test(`a server that says nothing after ${step} has a deadline`, async (t) => {
    const clock = new FakeClock()
    const { side, failed } = await upTo(t, step, { clock, loginMsMax: 5_000 })
    clock.advance(5_000)
    const error = await failed
    t.is(error.code, 'ERR_TIMEOUT')
    t.is(error.message, 'logging in as romeo@localhost took longer than 5 s')
    await side.hungUp
    t.is(clock.waiting, 0)
  })

  test(`stopped while the server says nothing after ${step}, it hangs up`, async (t) => {
    const clock = new FakeClock()
    const { session, side, failed } = await upTo(t, step, { clock })
    await session.stop()
    t.is((await failed).code, 'ERR_ABORTED')
    await side.hungUp
    t.is(clock.waiting, 0)
  })

  test(`a connection that breaks after ${step} is one error, and no other`, async (t) => {
    const { side, failed } = await upTo(t, step)
    side.socket.resetAndDestroy()
    // Whether it was lost while we were writing or not.
    t.true(['ERR_UNREACHABLE', 'ERR_SESSION_CLOSED'].includes((await failed).code))
  })

  test(`a server that hangs up after ${step} is one error, and no other`, async (t) => {
    const { side, failed } = await upTo(t, step)
    side.socket.end()
    t.is((await failed).code, 'ERR_SESSION_CLOSED')
  })
}

test('a server without a login that is safe in the clear is refused, and never gets the password', async (t) => {
  const server = await listenScripted(t)
  const started = t.throwsAsync(open(t, server, { reconnect: 'always' }).start(), { instanceOf: BytestreamError })
  const side = await server.next()
  await side.hears(/<stream:stream[^>]*>/)
  side.say(HEADER + features('PLAIN'))
  const error = await started
  t.is(error.code, 'ERR_AUTHENTICATION')
  await side.hungUp
  t.false(side.rest.includes('auth'))
})

test('stopped while online, it closes its stream; a server that does not answer is cut off', async (t) => {
  const clock = new FakeClock()
  let heard = ''
  const { meddler } = await behind(t, {
    fromClient: (octets) => {
      heard += octets
      return octets.includes('</stream:stream>') ? [] : [octets]
    },
  })
  const session = open(t, meddler, { clock })
  await session.start()
  const { client } = meddler.link
  const stopped = session.stop()
  while (!heard.includes('</stream:stream>')) await once(client, 'data')
  clock.advance(5_000)
  await stopped
  t.is(clock.waiting, 0)
})

test.serial('what comes behind the end of our stream is not answered, and the stream ends properly (RFC 6120 §4.4)', async (t) => {
  const question = "<iq type='get' id='late' from='juliet@localhost/x'><ping xmlns='urn:xmpp:ping'/></iq>"
  let heard = ''
  const { meddler } = await behind(t, {
    fromServer: (octets) => (octets.includes('</stream:stream>') ? [question, octets] : [octets]),
    fromClient: (octets) => {
      heard += octets
      return [octets]
    },
  })
  t.timeout(20_000, 'something keeps the process alive')
  const before = heldResources()
  const session = open(t, meddler)
  await session.start()
  await session.stop()
  t.true(heard.endsWith('</stream:stream>'))
  await untilHeld(before)
})

test('a JID that is none is refused before anything is tried', (t) => {
  const error = t.throws(() => clientConnector(systemClock, { jid: '@localhost', password: '' }), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_JID_MALFORMED')
})
