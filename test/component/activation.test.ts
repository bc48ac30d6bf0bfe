import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { BytestreamProxy, type ProxyEvents } from '../../src/component/index.ts'
import { type Logger, silentLogger } from '../../src/core/index.ts'
import { AccessList } from '../../src/policy/index.ts'
import { computeDstAddr } from '../../src/socks5/index.ts'
import { type BoundAddress, Streamhost } from '../../src/streamhost/index.ts'
import { openLine, outcomeOf } from '../helpers/component-line.ts'
import { connectToStreamhost, readAll } from '../helpers/raw-socks5.ts'

const PROXY = 'proxy.example.org'
const REQUESTER = 'requester@example.org/foo'
const TARGET = 'target@example.org/bar'
const SID = 'vxf9n471bn46'

const query = (children: string, attributes = `sid='${SID}'`) =>
  `<query xmlns='http://jabber.org/protocol/bytestreams' ${attributes}>${children}</query>`

const activateQuery = (target: string, sid = SID) => query(`<activate>${target}</activate>`, `sid='${sid}'`)

/** A proxy with a streamhost of its own, which everybody at example.org may use. */
async function openProxy(t: ExecutionContext, allow: readonly string[] = ['example.org']) {
  const streamhost = new Streamhost({}, { listen: [{ host: '127.0.0.1', port: 0 }] })
  const [address] = (await streamhost.listen()) as [BoundAddress]
  t.teardown(() => streamhost.close())
  const line = await openLine(t, PROXY)
  const proxy = new BytestreamProxy({ session: line.session, streamhost, access: new AccessList(allow) }, { advertised: [] })
  const facts: ProxyEvents['activationAsked'][0][] = []
  proxy.on('activationAsked', (fact) => facts.push(fact))
  return {
    streamhost,
    facts,
    connect: (requester: string, target: string, encoding?: 'latin1') =>
      connectToStreamhost(t, address, computeDstAddr(SID, requester, target, encoding)),
    activate: async (payload: string, { from = REQUESTER, to = PROXY } = {}) =>
      outcomeOf(await line.ask({ type: 'set', from, to, payload })),
  }
}

const explained = (waiting: number, { requester = REQUESTER, target = TARGET, sid = SID } = {}) =>
  `${waiting} of 2 sockets wait under DST.ADDR ${computeDstAddr(sid, requester, target)}, ` +
  `the SHA-1 of sid "${sid}", requester "${requester}" and target "${target}"`

test('forbidden comes first, whatever else is wrong, and without detail', async (t) => {
  const { activate, connect, facts } = await openProxy(t)
  const from = 'requester@sub.example.org/foo'
  await connect(from, TARGET)
  for (const payload of [activateQuery(TARGET), query(''), activateQuery('@'), query('<activate/><activate/>', '')]) {
    t.is(await activate(payload, { from }), 'auth forbidden')
  }
  t.deepEqual(facts, [])
})

test('bad-request comes before anything is looked for', async (t) => {
  const { activate, connect } = await openProxy(t)
  await connect(REQUESTER, TARGET)
  for (const [payload, text] of [
    [query(`<activate>${TARGET}</activate>`, ''), 'the query lacks its sid'],
    [query(`<activate>${TARGET}</activate>`, "sid=''"), 'the query lacks its sid'],
    [query(''), 'the query lacks an activate element with the JID of the Target'],
    [query('<activate/>'), 'the query lacks an activate element with the JID of the Target'],
    [query(`<activate xmlns='other'>${TARGET}</activate>`), 'the query lacks an activate element with the JID of the Target'],
  ] as const) {
    t.is(await activate(payload), `modify bad-request: ${text}`, payload)
  }
})

test('several activate elements are a bad request, even if they agree (XEP-0065 §9.1)', async (t) => {
  const { activate, connect, streamhost } = await openProxy(t)
  await connect(REQUESTER, TARGET)
  await connect(REQUESTER, TARGET)
  const outcome = await activate(query(`<activate>${TARGET}</activate>`.repeat(2)))
  t.is(outcome, 'modify bad-request: the query carries more than one activate element')
  t.is(streamhost.gauges().active, 0)
})

test('a target that is no JID is jid-malformed', async (t) => {
  const { activate } = await openProxy(t)
  for (const target of ['@example.org', 'target@', 'target@example.org/', 'a b@example.org', 'x'.repeat(4_000), ' ']) {
    t.regex(await activate(activateQuery(target)), /^modify jid-malformed: /, target.slice(0, 20))
  }
})

test('nothing that waits is item-not-found, with what was looked for', async (t) => {
  const { activate, facts } = await openProxy(t)
  t.is(await activate(activateQuery(TARGET)), `cancel item-not-found: ${explained(0)}`)
  const dstAddr = computeDstAddr(SID, REQUESTER, TARGET)
  t.deepEqual(facts, [{ from: REQUESTER, sid: SID, targetJid: TARGET, dstAddr, code: 'ERR_BYTESTREAM_UNKNOWN' }])
})

test('one socket that waits is not-allowed, and goes on waiting', async (t) => {
  const { activate, connect, facts } = await openProxy(t)
  const one = await connect(REQUESTER, TARGET)
  t.is(await activate(activateQuery(TARGET)), `cancel not-allowed: ${explained(1)}`)
  const other = await connect(REQUESTER, TARGET)
  t.is(await activate(activateQuery(TARGET)), 'result')
  one.end('octets')
  t.is(await readAll(other), 'octets')
  t.deepEqual(
    facts.map(({ code }) => code),
    ['ERR_PEER_MISSING', undefined],
  )
})

test('the activation of an active bytestream is confirmed again; that of one that is over is not', async (t) => {
  const { activate, connect, streamhost } = await openProxy(t)
  const one = await connect(REQUESTER, TARGET)
  const other = await connect(REQUESTER, TARGET)
  t.is(await activate(activateQuery(TARGET)), 'result')
  t.is(await activate(activateQuery(TARGET)), 'result')
  t.is(streamhost.counters.activated, 1)
  const closed = new Promise((resolve) => streamhost.once('closed', resolve))
  one.destroy()
  other.destroy()
  await closed
  t.regex(await activate(activateQuery(TARGET)), /^cancel item-not-found/)
})

test('another requester, another resource of it, another sid, another target: none of them activates', async (t) => {
  const { activate, connect } = await openProxy(t)
  await connect(REQUESTER, TARGET)
  await connect(REQUESTER, TARGET)
  for (const from of ['target@example.org/bar', 'requester@example.org/other', 'requester@example.org']) {
    t.regex(await activate(activateQuery(TARGET), { from }), /^cancel item-not-found/, from)
  }
  t.regex(await activate(activateQuery(TARGET, `${SID} `)), /^cancel item-not-found/)
  t.regex(await activate(activateQuery('target@example.org')), /^cancel item-not-found/)
  t.is(await activate(activateQuery(TARGET)), 'result')
})

const activates = test.macro({
  async exec(t, from: string, hashedTarget: string, said: string = hashedTarget, hashedRequester: string = from) {
    const { activate, connect, facts } = await openProxy(t, ['*'])
    const one = await connect(hashedRequester, hashedTarget)
    const other = await connect(hashedRequester, hashedTarget)
    t.is(await activate(activateQuery(said), { from }), 'result')
    t.is(await activate(activateQuery(said), { from }), 'result', 'and once more')
    one.end('octets')
    t.is(await readAll(other), 'octets')
    t.deepEqual(
      facts.map(({ targetJid }) => targetJid),
      [hashedTarget, hashedTarget],
    )
  },
  title: (given) => `activates for ${given}`,
})

test('bare JIDs on both sides', activates, 'requester@example.org', 'target@example.org')
test('a component as requester', activates, 'gateway.example.org', TARGET)
test('a component as target', activates, REQUESTER, 'gateway.example.org')
test('a resource of a component', activates, 'gateway.example.org/room', 'user\\40mail@gateway.example.org/x')
test('an occupant of a room as target (XEP-0065 §7)', activates, REQUESTER, 'room@conference.example.net/Tget')
test('a room JID with spaces and what is not ASCII', activates, REQUESTER, 'room@conference.example.net/Großmutter 漢')
test('a target in upper case, hashed as stringprep has it', activates, REQUESTER, 'target@example.org/Bar', 'Target@EXAMPLE.org/Bar')
test('a target in upper case, hashed as it is written', activates, REQUESTER, 'Target@Example.org/Bar')
test('a requester in upper case, as its server wrote it', activates, 'Requester@Example.ORG/foo', TARGET)
// COMPAT(ejabberd): it writes the requester as its user does.
test(
  'a requester its server did not prepare, hashed prepared',
  activates,
  'Requester@example.org/ﬁn',
  TARGET,
  TARGET,
  'requester@example.org/fin',
)
test('both in upper case, neither hashed so', activates, 'R@example.org/x', 't@example.org/y', 'T@example.org/y', 'r@example.org/x')
test('both in upper case, only the target hashed so', activates, 'R@example.org/x', 'T@example.org/y', 'T@example.org/y', 'r@example.org/x')
test('a requester that has no prepared form', activates, 'a b@example.org/x', TARGET)
// COMPAT(Psi): it writes its stanzas with newlines and tabs between the tags.
test('white space around the target that makes it invalid', activates, REQUESTER, TARGET, `\n\t${TARGET}\n`)
test('white space around a component', activates, REQUESTER, 'gateway.example.org', '\n gateway.example.org\n')
test('a space at the end of a resource, which belongs to it', activates, REQUESTER, 'target@example.org/bar ')
test('a domain with a final dot, hashed as it is written', activates, REQUESTER, 'target@EXAMPLE.org./bar')

// COMPAT(QXmpp): it hashes Latin-1, on both sides.
for (const [requester, target] of [
  ['jürgen@example.org/Küche', TARGET],
  [REQUESTER, 'target@example.org/Büro'],
  [REQUESTER, 'Target@example.org/BÜRO'],
] as const) {
  test(`activates for ${requester} and ${target}, hashed in Latin-1, once nothing is known under UTF-8`, async (t) => {
    const { activate, connect, streamhost } = await openProxy(t)
    const one = await connect(requester, target, 'latin1')
    const other = await connect(requester, target, 'latin1')
    const asUtf8 = await connect(requester, target)
    t.regex(await activate(activateQuery(target), { from: requester }), /^cancel not-allowed: 1 of 2/)
    const left = once(streamhost, 'left')
    asUtf8.destroy()
    await left
    t.is(await activate(activateQuery(target), { from: requester }), 'result')
    one.end('octets')
    t.is(await readAll(other), 'octets')
  })
}

test('a JID that Latin-1 cannot write is not looked for in it', async (t) => {
  const { activate, connect } = await openProxy(t)
  // Cut to eight bits, € is ¬: another JID.
  await connect(REQUESTER, 'target@example.org/¬é', 'latin1')
  await connect(REQUESTER, 'target@example.org/¬é', 'latin1')
  t.regex(await activate(activateQuery('target@example.org/€é')), /^cancel item-not-found/)
})

test('the unprepared text is only tried when nothing is known under the prepared one', async (t) => {
  const { activate, connect, facts } = await openProxy(t)
  const upper = 'Target@example.org/bar'
  await connect(REQUESTER, TARGET)
  await connect(REQUESTER, upper)
  await connect(REQUESTER, upper)
  t.is(await activate(activateQuery(upper)), `cancel not-allowed: ${explained(1)}`)
  t.is(await activate(activateQuery('TARGET@example.org/bar')), `cancel not-allowed: ${explained(1)}`)
  t.is(facts.length, 2)
})

test('of one socket under the unprepared text, that text is explained', async (t) => {
  const { activate, connect } = await openProxy(t)
  const target = 'Target@example.org/bar'
  await connect(REQUESTER, target)
  t.is(await activate(activateQuery(target)), `cancel not-allowed: ${explained(1, { target })}`)
})

test('of a long sid and a long target, the explanation has a beginning', async (t) => {
  const { activate } = await openProxy(t)
  const outcome = await activate(activateQuery(`target@example.org/${'r'.repeat(1_000)}`, 's'.repeat(60_000)))
  t.regex(outcome, new RegExp(`sid "s{200}…", requester "${REQUESTER}" and target "target@example.org/r{181}…"$`))
})

test('activation is asked of any resource of the proxy, which answers as such', async (t) => {
  const { activate, connect } = await openProxy(t)
  await connect(REQUESTER, TARGET)
  await connect(REQUESTER, TARGET)
  t.is(await activate(activateQuery(TARGET), { to: `${PROXY}/3b@7f/x` }), 'result')
})

test('a proxy that is shutting down says so, and that it may be tried again', async (t) => {
  const { activate, connect, streamhost } = await openProxy(t)
  await connect(REQUESTER, TARGET)
  await streamhost.close()
  t.is(await activate(activateQuery(TARGET)), 'wait service-unavailable: the proxy is shutting down')
})

test('a fault of our own is an internal-server-error without detail, and is logged', async (t) => {
  const logged: unknown[] = []
  const logger: Logger = { ...silentLogger, error: (facts: unknown) => void logged.push(facts) }
  const line = await openLine(t, PROXY, { logger })
  const fault = new RangeError('secret detail')
  const streamhost = {
    isClosing: false,
    waitingSockets: () => 2,
    activate: () => {
      throw fault
    },
  }
  const proxy = new BytestreamProxy({ session: line.session, streamhost, access: new AccessList(['*']) }, { advertised: [] })
  const codes: unknown[] = []
  proxy.on('activationAsked', ({ code }) => codes.push(code))
  const answer = await line.ask({ type: 'set', from: REQUESTER, payload: activateQuery(TARGET) })
  t.is(outcomeOf(answer), 'cancel internal-server-error')
  t.deepEqual(codes, ['ERR_INTERNAL'])
  const [{ err }] = logged as [{ err: Error & { cause: Error } }]
  t.is(err.cause.cause, fault)
})
