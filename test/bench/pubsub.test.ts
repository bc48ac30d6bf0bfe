// Goal: the bench of publish-subscribe counts what comes, says no to what did not come or is not what was published, and its
// component that does nothing does that much.

import test from 'ava'
import { isHeld } from '../../bench/claims.ts'
import { claims } from '../../bench/pubsub/claims.ts'
import { direct, type Service } from '../../bench/pubsub/contenders.ts'
import { Cutter } from '../../bench/pubsub/cutter.ts'
import { Driver } from '../../bench/pubsub/driver.ts'
import { fanOut, verify } from '../../bench/pubsub/fan-out.ts'
import { Line } from '../../bench/pubsub/line.ts'
import { nodes, subscribing } from '../../bench/pubsub/measures.ts'
import { ANNOUNCEMENT, createNode, publish, publisher, subscribe, subscriber } from '../../bench/pubsub/stanzas.ts'
import { Results, type Values } from '../../bench/results.ts'

const STREAM = [
  "<?xml version='1.0'?>",
  "<stream:stream xmlns='jabber:component:accept' id='1'>",
  '<handshake/>',
  "<message to='a'><body>1 &gt; 0 é</body></message>",
  "<iq type='result' id='1'/>",
  "<iq type='result' id='2'><pubsub><publish node='a'/></pubsub></iq>",
  "<message to='b'><body/></message>",
  '</stream:stream>',
]

test('what comes is cut into stanzas, wherever its pieces end', (t) => {
  const octets = Buffer.from(STREAM.join('\n '))
  for (let size = 1; size <= octets.length; size += 1) {
    const heard: string[] = []
    const cutter = new Cutter({
      message: (buffer, start, end) => heard.push(buffer.toString('utf8', start, end)),
      other: (text) => heard.push(text),
    })
    for (let at = 0; at < octets.length; at += size) cutter.read(Buffer.from(octets.subarray(at, at + size)))
    t.deepEqual(heard, STREAM, `pieces of ${size}`)
  }
})

test('nodes, subscriptions and notifications are measured', async (t) => {
  await using service = await direct.start()
  const run = (measure: ReturnType<typeof nodes>) => measure.run(service, direct)
  for (const values of [await run(nodes(50)), await run(subscribing(2_000))]) {
    t.true((values['perSecond'] as number) > 0)
    t.is(values['serverMsEach'], undefined, 'there is no server')
  }
  const before = service.driver.received
  const values = await run(fanOut({ n: 70, timedMin: 4, timedMs: 20, atOnce: 2, ms: 20 }))
  t.is((service.driver.received - before) % 70, 0, 'every publish came to every subscriber')
  t.true((values['p50Ms'] as number) <= (values['p99Ms'] as number))
  t.true((values['perSecond'] as number) > 0)
})

const event = (to: string, payload: string) =>
  `<message to='${to}'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'><item id='looked-at'>${payload}</item></items></event></message>`

/** A component that says yes to everything, and to a publish says this besides. */
async function answering(t: { teardown(end: () => void): void }, said: string): Promise<Service> {
  const { port, driver } = await Driver.listen()
  const address = 'lying.localhost'
  const line = await Line.dial(port, address, 'secret', {
    message() {},
    other(text) {
      const [, id] = /\sid='([^']*)/.exec(text) ?? []
      line.write(`${text.includes('<publish ') ? said : ''}<iq type='result' from='${address}' to='${publisher}' id='${id}'/>`)
    },
  })
  const service = { driver: await driver, address, pids: [], serverPids: [], async [Symbol.asyncDispose]() {} }
  t.teardown(() => {
    line[Symbol.dispose]()
    service.driver[Symbol.dispose]()
  })
  return service
}

const [first, second] = [event(subscriber(0), ANNOUNCEMENT), event(subscriber(1), ANNOUNCEMENT)]

test('what every subscriber got once and whole is right, however it is written', async (t) => {
  await t.notThrowsAsync(verify(await answering(t, first + second), 'n', 2))
  const otherwise = second.replace(
    "<file-sharing xmlns='urn:xmpp:sfs:0' disposition='attachment'",
    '<file-sharing disposition="attachment" xmlns="urn:xmpp:sfs:0"',
  )
  t.not(otherwise, second)
  await t.notThrowsAsync(verify(await answering(t, first + otherwise), 'n', 2))
})

const WRONG = [
  ['somebody got it twice, and somebody else not at all', first + first],
  ['one got more than was published', first + second + second],
  ['a word is missing', first + event(subscriber(1), ANNOUNCEMENT.replace('arrivals', ''))],
  ['an attribute is another', first + event(subscriber(1), ANNOUNCEMENT.replace('sha-256', 'sha-512'))],
  ['there is no payload', first + event(subscriber(1), '')],
] as const

for (const [what, said] of WRONG) {
  test(`it is wrong when ${what}`, async (t) => {
    await t.throwsAsync(verify(await answering(t, said), 'n', 2), { message: /notifications are wrong/ })
  })
}

test('what each subscriber gets is counted: the sum may be right though one got it twice, and another not at all', async (t) => {
  const count = (how: string) => `of 4 notifications ${how}`
  const told = async (said: readonly string[]) => {
    const { driver, address } = await answering(t, said.join(''))
    const counted = driver.countOf(2)
    await Promise.all([driver.ask(publisher, address, publish('n', 'a')), driver.arrived(said.length)])
    return counted
  }
  const right = await told([first, second, second, first])
  t.notThrows(() => right.expect(2))
  t.throws(() => right.expect(1), { message: 'of 2 notifications 0 are missing, 2 came again, 0 came to others' })
  const doubled = await told([first, first, first, second])
  t.throws(() => doubled.expect(2), { message: count('1 are missing, 1 came again, 0 came to others') })
  const astray = await told([first, second, event(subscriber(12), ''), event(publisher, '')])
  t.throws(() => astray.expect(2), { message: count('2 are missing, 0 came again, 2 came to others') })
})

test('a promise is judged by the medians of all rounds, and not where something was not measured', (t) => {
  const results = new Results()
  const add = (contender: string, measure: string, n: number, values: Values) => {
    for (const round of [1, 2, 3]) {
      const scaled = Object.entries(values).map(([name, value]) => [name, (value as number) * (round === 3 ? 9 : 1)])
      results.add({ contender, measure, n, round, values: Object.fromEntries(scaled) })
    }
  }
  add('ours', 'fan-out', 100, { perSecond: 95, serviceCpu: 0.2 })
  add('nothing', 'fan-out', 100, { perSecond: 100 })
  add('ours', 'subscribing', 2_000, { perSecond: 79 })
  add('nothing', 'subscribing', 2_000, { perSecond: 100 })
  const all = claims(results, { server: 'a server', ours: 'ours', nothing: 'nothing', own: 'own' })
  const judged = all.filter(({ figure }) => figure !== undefined).map((claim) => [claim.what, claim.figure, isHeld(claim)])
  t.deepEqual(judged, [
    ["a server: notifications per second to 100, to do-nothing's", 0.95, true],
    ['a server: CPU-s per 10,000 notifications to 100', 0.2, false],
    ["a server: subscriptions per second, up to 2000, to do-nothing's", 0.79, false],
  ])
})

test('an error ends what waits for an answer, or for notifications', async (t) => {
  const { port, driver } = await Driver.listen()
  using line = await Line.dial(port, 'refusing.localhost', 'secret', {
    message() {},
    other(text) {
      const [, id] = /\sid='([^']*)/.exec(text) ?? []
      line.write(`<iq type='error' id='${id}'><error type='auth'><forbidden/></error></iq>`)
    },
  })
  using asking = await driver
  await t.throwsAsync(asking.ask(publisher, 'refusing.localhost', createNode('n')), { message: /forbidden/ })
  const [asked, arrived] = await Promise.allSettled([
    asking.ask(publisher, 'refusing.localhost', subscribe('n', subscriber(0))),
    asking.arrived(1),
  ])
  t.is(asked.status, 'rejected')
  t.is(arrived.status, 'rejected')
})
