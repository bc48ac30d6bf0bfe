import test, { type ExecutionContext } from 'ava'
import { BytestreamProxy, type ProxyEvents, presentComponent } from '../../src/component/index.ts'
import { AccessList } from '../../src/policy/index.ts'
import { attribute, type StreamhostAddress } from '../../src/xep/index.ts'
import { openLine, outcomeOf } from '../helpers/component-line.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { sameStanza } from '../helpers/stanzas.ts'

const PROXY = 'proxy.example.org'
const REQUESTER = 'requester@example.org/foo'
const ADDRESS: StreamhostAddress = { jid: PROXY, host: '24.24.24.1', port: 7625 }

const DISCO = 'http://jabber.org/protocol/disco'
const ADDRESS_QUERY = "<query xmlns='http://jabber.org/protocol/bytestreams'/>"

/** The whole component; where its streamhost would be, nobody waits. */
async function openComponent(
  t: ExecutionContext,
  {
    allow = ['example.org'],
    advertised = [ADDRESS],
    isClosing = false,
  }: { allow?: readonly string[]; advertised?: readonly StreamhostAddress[]; isClosing?: boolean } = {},
) {
  const clock = new FakeClock()
  const line = await openLine(t, PROXY, { clock })
  const activate = () => {
    throw new Error('nothing is to be activated')
  }
  const streamhost = { isClosing, waitingSockets: () => 0, activate }
  const proxy = new BytestreamProxy({ session: line.session, streamhost, access: new AccessList(allow) }, { advertised })
  const discoAsked: unknown[] = []
  const addressAsked: ProxyEvents['addressAsked'][0][] = []
  proxy.on('addressAsked', (facts) => addressAsked.push(facts))
  presentComponent(line.session, clock, {
    version: { name: 'streamhost', version: '1.2.3' },
    parts: [proxy.part],
    onAsked: (facts) => discoAsked.push(facts),
  })
  const ask = (payload: string, { from = REQUESTER, to = PROXY, type = 'get' as 'get' | 'set' } = {}) =>
    line.ask({ type, from, to, payload })
  return { clock, line, ask, discoAsked, addressAsked }
}

test('XEP-0030 §3: the proxy shows what it is, and the features of all its parts, each once', async (t) => {
  const { ask, discoAsked } = await openComponent(t)
  sameStanza(
    t,
    await ask(`<query xmlns='${DISCO}#info'/>`),
    `<iq from='${PROXY}' to='${REQUESTER}' id='1' type='result'>
       <query xmlns='${DISCO}#info'>
         <identity category='proxy' type='bytestreams' name='SOCKS5 bytestream proxy'/>
         <feature var='http://jabber.org/protocol/bytestreams'/>
         <feature var='${DISCO}#info'/>
         <feature var='${DISCO}#items'/>
         <feature var='jabber:iq:last'/>
         <feature var='jabber:iq:version'/>
         <feature var='urn:xmpp:ping'/>
         <feature var='urn:xmpp:time'/>
       </query>
     </iq>`,
  )
  t.deepEqual(discoAsked, [{ from: REQUESTER, about: 'info' }])
})

test('XEP-0030 §4: it has no items', async (t) => {
  const { ask, discoAsked } = await openComponent(t)
  const answer = await ask(`<query xmlns='${DISCO}#items'/>`)
  sameStanza(t, answer, `<iq from='${PROXY}' to='${REQUESTER}' id='1' type='result'><query xmlns='${DISCO}#items'/></iq>`)
  t.deepEqual(discoAsked, [{ from: REQUESTER, about: 'items' }])
})

test('XEP-0030 §7: an unknown node is item-not-found, and so is whoever would live at the domain', async (t) => {
  const { ask, discoAsked } = await openComponent(t)
  for (const about of ['info', 'items']) {
    t.regex(outcomeOf(await ask(`<query xmlns='${DISCO}#${about}' node='n'/>`)), /^cancel item-not-found/)
    t.is(outcomeOf(await ask(`<query xmlns='${DISCO}#${about}' node=''/>`)), 'result', 'an empty one is none')
    t.regex(outcomeOf(await ask(`<query xmlns='${DISCO}#${about}'/>`, { to: `nobody@${PROXY}` })), /^cancel item-not-found/)
    t.regex(outcomeOf(await ask(`<query xmlns='${DISCO}#${about}'/>`, { to: `nobody@${PROXY}/x` })), /^cancel item-not-found/)
  }
  t.is(discoAsked.length, 2)
})

test('every question is answered at any resource, as that resource', async (t) => {
  const { ask } = await openComponent(t)
  const questions = [
    `<query xmlns='${DISCO}#info'/>`,
    `<query xmlns='${DISCO}#items'/>`,
    ADDRESS_QUERY,
    "<ping xmlns='urn:xmpp:ping'/>",
    "<query xmlns='jabber:iq:version'/>",
    "<query xmlns='jabber:iq:last'/>",
    "<time xmlns='urn:xmpp:time'/>",
  ]
  for (const to of [`${PROXY}/3b7f`, `${PROXY}/x@y/z`])
    for (const question of questions) t.is(outcomeOf(await ask(question, { to })), 'result')
})

test('XEP-0199: a ping is answered', async (t) => {
  const { ask } = await openComponent(t)
  sameStanza(t, await ask("<ping xmlns='urn:xmpp:ping'/>"), `<iq from='${PROXY}' to='${REQUESTER}' id='1' type='result'/>`)
})

test('XEP-0092: name and version are told, the operating system is not', async (t) => {
  const { ask } = await openComponent(t)
  sameStanza(
    t,
    await ask("<query xmlns='jabber:iq:version'/>"),
    `<iq from='${PROXY}' to='${REQUESTER}' id='1' type='result'>
       <query xmlns='jabber:iq:version'><name>streamhost</name><version>1.2.3</version></query>
     </iq>`,
  )
})

test('XEP-0012 §5: how long it has been running, in whole seconds', async (t) => {
  const { ask, clock } = await openComponent(t)
  for (const [ms, seconds] of [
    [0, '0'],
    [999, '0'],
    [1, '1'],
    [3_600_000, '3601'],
  ] as const) {
    clock.advance(ms)
    const answer = await ask("<query xmlns='jabber:iq:last'/>")
    t.is(answer.getChild('query', 'jabber:iq:last')?.attrs['seconds'], seconds)
  }
})

test('XEP-0202: its time is now, in UTC, and its offset is told', async (t) => {
  const { ask } = await openComponent(t)
  const before = Math.floor(Date.now() / 1000) * 1000
  const time = (await ask("<time xmlns='urn:xmpp:time'/>")).getChild('time', 'urn:xmpp:time')
  const utc = time?.getChildText('utc') ?? ''
  t.regex(utc, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  t.true(Date.parse(utc) >= before && Date.parse(utc) <= Date.now())
  t.regex(time?.getChildText('tzo') ?? '', /^(Z|[+-]\d\d:\d\d)$/)
})

test('XEP-0065 §4: every address is told, in the order of the configuration, with all three attributes', async (t) => {
  const advertised = [ADDRESS, { jid: PROXY, host: '2001:db8::9:1', port: 80 }, { jid: PROXY, host: 'proxy.example.org', port: 7625 }]
  const { ask, addressAsked } = await openComponent(t, { advertised })
  sameStanza(
    t,
    await ask(ADDRESS_QUERY),
    `<iq from='${PROXY}' to='${REQUESTER}' id='1' type='result'>
       <query xmlns='http://jabber.org/protocol/bytestreams'>
         <streamhost jid='${PROXY}' host='24.24.24.1' port='7625'/>
         <streamhost jid='${PROXY}' host='2001:db8::9:1' port='80'/>
         <streamhost jid='${PROXY}' host='proxy.example.org' port='7625'/>
       </query>
     </iq>`,
  )
  t.deepEqual(addressAsked, [{ from: REQUESTER, code: undefined }])
})

test('without an address the answer is an error, not an empty list', async (t) => {
  const { ask, addressAsked } = await openComponent(t, { advertised: [] })
  t.is(outcomeOf(await ask(ADDRESS_QUERY)), 'cancel not-allowed: no address of this proxy is configured')
  t.deepEqual(addressAsked, [{ from: REQUESTER, code: 'ERR_NOT_A_STREAMHOST' }])
})

test('a proxy that is shutting down tells no address, and a stranger nothing at all', async (t) => {
  const { ask, addressAsked } = await openComponent(t, { isClosing: true })
  t.is(outcomeOf(await ask(ADDRESS_QUERY)), 'wait service-unavailable: the proxy is shutting down')
  t.is(outcomeOf(await ask(ADDRESS_QUERY, { from: 'requester@sub.example.org/foo' })), 'auth forbidden')
  t.deepEqual(
    addressAsked.map(({ code }) => code),
    ['ERR_SHUTTING_DOWN', 'ERR_FORBIDDEN'],
  )
})

test('whoever may not use the proxy hears that first, even of one without an address', async (t) => {
  const { ask, addressAsked } = await openComponent(t, { advertised: [], allow: ['example.org', 'romeo@example.net/orchard'] })
  for (const from of ['requester@sub.example.org/foo', 'romeo@example.net', 'romeo@example.net/balcony']) {
    t.is(outcomeOf(await ask(ADDRESS_QUERY, { from })), 'auth forbidden', from)
  }
  t.regex(outcomeOf(await ask(ADDRESS_QUERY, { from: 'romeo@example.net/orchard' })), /^cancel not-allowed/)
  t.is(addressAsked.length, 4)
  t.is(addressAsked[0]?.code, 'ERR_FORBIDDEN')
})

test('who may not use the proxy may still ask what it is', async (t) => {
  const { ask } = await openComponent(t, { allow: [] })
  t.is(outcomeOf(await ask(`<query xmlns='${DISCO}#info'/>`)), 'result')
  t.is(outcomeOf(await ask(ADDRESS_QUERY)), 'auth forbidden')
})

test('RFC 6120 §8.4: a request nobody knows is service-unavailable', async (t) => {
  const { ask } = await openComponent(t)
  for (const payload of [
    "<query xmlns='jabber:iq:roster'/>",
    "<other xmlns='urn:xmpp:ping'/>",
    '<query/>',
    "<ping xmlns='constructor'/>",
  ]) {
    t.is(outcomeOf(await ask(payload)), 'cancel service-unavailable', payload)
  }
  t.is(outcomeOf(await ask(`<query xmlns='${DISCO}#info'/>`, { type: 'set' })), 'cancel service-unavailable')
})

test('RFC 6120 §8.2.3: an IQ that is none is bad-request', async (t) => {
  const { line } = await openComponent(t)
  const ping = "<ping xmlns='urn:xmpp:ping'/>"
  for (const iq of [
    `<iq type='get' id='x' from='${REQUESTER}' to='${PROXY}'/>`,
    `<iq type='get' id='x' from='${REQUESTER}' to='${PROXY}'>text</iq>`,
    `<iq type='get' id='x' from='${REQUESTER}' to='${PROXY}'>${ping}${ping}</iq>`,
    `<iq type='got' id='x' from='${REQUESTER}' to='${PROXY}'>${ping}</iq>`,
    `<iq id='x' from='${REQUESTER}' to='${PROXY}'>${ping}</iq>`,
  ]) {
    line.say(iq)
    const answer = await line.hear()
    t.like(answer.attrs, { type: 'error', id: 'x', from: PROXY, to: REQUESTER })
    t.regex(outcomeOf(answer), /^modify bad-request/, iq)
  }
  line.say(`<iq type='get' from='${REQUESTER}' to='${PROXY}'>${ping}</iq>`)
  t.regex(outcomeOf(await line.hear()), /^modify bad-request/, 'without an id')
})

test('RFC 6120 §8.2.3: results and errors are never answered, nor are messages and presence', async (t) => {
  const { line, ask } = await openComponent(t)
  const envelope = `id='x' from='${REQUESTER}' to='${PROXY}'`
  const error = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  for (const stanza of [
    `<iq type='result' ${envelope}/>`,
    `<iq type='result' ${envelope}>${ADDRESS_QUERY}${ADDRESS_QUERY}</iq>`,
    `<iq type='error' ${envelope}>${error}</iq>`,
    `<iq type='error' from='${REQUESTER}' to='${PROXY}'/>`,
    `<message ${envelope}><body>hello</body></message>`,
    `<presence ${envelope}/>`,
    `<presence type='subscribe' ${envelope}/>`,
    `<presence type='unheard-of' ${envelope}/>`,
  ]) {
    line.say(stanza)
  }
  const answer = await ask("<ping xmlns='urn:xmpp:ping'/>")
  t.is(attribute(answer, 'type'), 'result', 'the first thing said since')
})
