import test from 'ava'
import { attribute, type Element, NS } from '../../src/xep/index.ts'
import { DOMAIN, PROXY, startServer, type TestServer } from '../helpers/embedded-server.ts'
import type { RawStream } from '../helpers/raw-client.ts'

const ROMEO = `romeo@${DOMAIN}`
const JULIET = `juliet@${DOMAIN}`
const PING = `<ping xmlns='${NS.ping}'/>`

/** `type from`, with the sender's resource and local part only. */
const gist = (stanza: Element) =>
  `${attribute(stanza, 'type') ?? 'available'} ${(attribute(stanza, 'from') ?? '').replace(`@${DOMAIN}`, '')}`

/** The presence that reached a stream since it was last asked, after everybody in `senders` was heard out. */
async function heard(stream: RawStream, ...senders: RawStream[]): Promise<string[]> {
  for (const sender of senders) await sender.flush(DOMAIN)
  return (await stream.flush(DOMAIN)).filter(({ name }) => name === 'presence').map(gist)
}

/** Logs in, and sends initial presence. */
async function appear(server: TestServer, name: 'romeo' | 'juliet' | 'nurse', resource: string): Promise<RawStream> {
  const stream = await server.login(name, resource)
  stream.send('<presence/>')
  await stream.flush(DOMAIN)
  return stream
}

/** Lets `watcher` see the presence of the account of `watched`. */
async function subscribe(watcher: RawStream, watched: RawStream): Promise<void> {
  const bare = (stream: RawStream) => stream.jid.split('/')[0]
  watcher.send(`<presence type='subscribe' to='${bare(watched)}'/>`)
  await watcher.flush(DOMAIN)
  watched.send(`<presence type='subscribed' to='${bare(watcher)}'/>`)
  await watched.flush(DOMAIN)
  await watcher.flush(DOMAIN)
}

test('initial presence goes to the own resources, and theirs come back (RFC 6121 §4.2)', async (t) => {
  await using server = await startServer()
  const one = await appear(server, 'romeo', 'one')
  const mute = await server.login('romeo', 'mute')
  const two = await server.login('romeo', 'two')
  two.send('<presence><show>away</show></presence>')
  t.deepEqual(await heard(two), ['available romeo/two', 'available romeo/one'])
  t.deepEqual(await heard(one), ['available romeo/two'])
  t.deepEqual(await heard(mute), [], 'who is not available hears nothing')
  two.send('<presence/>')
  t.deepEqual(await heard(two), ['available romeo/two'], 'only the first is initial')
})

test('presence goes to contacts that may see it, its end too (RFC 6121 §4.4, §4.5)', async (t) => {
  await using server = await startServer()
  const romeo = await appear(server, 'romeo', 'orchard')
  const juliet = await appear(server, 'juliet', 'balcony')
  const nurse = await appear(server, 'nurse', 'room')
  await subscribe(juliet, romeo)
  romeo.send('<presence><show>away</show></presence>')
  t.deepEqual(await heard(juliet, romeo), ['available romeo/orchard'])
  juliet.send('<presence><show>away</show></presence>')
  t.deepEqual(await heard(romeo, juliet), [], 'it works one way only')
  romeo.send("<presence type='unavailable'><status>gone</status></presence>")
  await romeo.flush(DOMAIN)
  const [goodbye] = await juliet.flush(DOMAIN).then((stanzas) => stanzas.filter(({ attrs }) => attrs['type'] === 'unavailable'))
  t.is(goodbye?.toString(), `<presence type="unavailable" from="${ROMEO}/orchard" to="${JULIET}"><status>gone</status></presence>`)
  t.deepEqual(await heard(nurse), [])
})

test('a contact that comes sees who is there already, with the last presence (RFC 6121 §4.3)', async (t) => {
  await using server = await startServer()
  const romeo = await appear(server, 'romeo', 'orchard')
  const juliet = await appear(server, 'juliet', 'balcony')
  await subscribe(juliet, romeo)
  romeo.send('<presence><show>dnd</show></presence>')
  await romeo.flush(DOMAIN)
  const late = await server.login('juliet', 'late')
  late.send('<presence/>')
  const presence = await late.flush(DOMAIN)
  t.deepEqual(presence.map(gist), ['available juliet/late', 'available juliet/balcony', 'available romeo/orchard'])
  t.is(presence[2]?.getChildText('show'), 'dnd')
})

test('a request to subscribe reaches all resources, and waits for one to come (RFC 6121 §3.1.3)', async (t) => {
  await using server = await startServer()
  const romeo = await appear(server, 'romeo', 'orchard')
  romeo.send(`<presence type='subscribe' to='${JULIET}/balcony'/>`.repeat(3))
  await romeo.flush(DOMAIN)
  const juliet = await server.login('juliet', 'balcony')
  t.deepEqual(await heard(juliet), [])
  juliet.send('<presence/>')
  t.deepEqual(await heard(juliet), ['available juliet/balcony', 'subscribe romeo'], 'once, from the account')
  romeo.send(`<presence type='subscribe' to='${JULIET}'/>`)
  t.deepEqual(await heard(juliet, romeo), [], 'not again while it waits')
})

test('subscribing, from request to the end, with the pushes each side gets (RFC 6121 §3)', async (t) => {
  await using server = await startServer()
  const romeo = await appear(server, 'romeo', 'orchard')
  const juliet = await appear(server, 'juliet', 'balcony')
  const roster = async (stream: RawStream) => {
    stream.send(`<iq type='get' id='r'><query xmlns='${NS.roster}'/></iq>`)
    return (await stream.flush(DOMAIN)).at(-1)?.getChild('query')?.toString()
  }
  /** What both were told: presence by gist, pushes by subscription and ask. */
  const told = async () => {
    for (const stanza of await romeo.flush(DOMAIN)) log(romeoHeard, stanza)
    for (const stanza of await juliet.flush(DOMAIN)) log(julietHeard, stanza)
    for (const stanza of await romeo.flush(DOMAIN)) log(romeoHeard, stanza)
    return { romeo: romeoHeard.splice(0), juliet: julietHeard.splice(0) }
  }
  const romeoHeard: string[] = []
  const julietHeard: string[] = []
  const log = (list: string[], stanza: Element) => {
    const item = stanza.getChild('query')?.getChild('item')
    list.push(item ? `push ${item.attrs['subscription']}${item.attrs['ask'] ? ' asking' : ''}` : gist(stanza))
  }
  t.is(await roster(romeo), `<query xmlns="${NS.roster}"/>`)
  await roster(juliet)

  romeo.send(`<presence type='subscribe' to='${JULIET}'/>`)
  t.deepEqual(await told(), { romeo: ['push none asking'], juliet: ['subscribe romeo'] })
  t.is(await roster(juliet), `<query xmlns="${NS.roster}"/>`, 'who only asked is no contact yet')
  juliet.send(`<presence type='subscribed' to='${ROMEO}'/>`)
  t.deepEqual(await told(), { romeo: ['push to', 'subscribed juliet', 'available juliet/balcony'], juliet: ['push from'] })
  juliet.send(`<presence type='subscribed' to='${ROMEO}'/><presence type='unsubscribe' to='${ROMEO}'/>`)
  t.deepEqual(await told(), { romeo: [], juliet: [] }, 'what changes nothing goes no further')
  romeo.send(`<presence type='subscribe' to='${JULIET}'/>`)
  t.deepEqual(await told(), { romeo: [], juliet: [] }, 'who may see already is not asked for again')
  juliet.send(`<presence type='subscribe' to='${ROMEO}'/>`)
  t.deepEqual(await told(), { romeo: ['subscribe juliet'], juliet: ['push from asking'] })
  romeo.send(`<presence type='subscribed' to='${JULIET}'/>`)
  t.deepEqual(await told(), { romeo: ['push both'], juliet: ['push both', 'subscribed romeo', 'available romeo/orchard'] })
  t.is(await roster(romeo), `<query xmlns="${NS.roster}"><item jid="${JULIET}" subscription="both"/></query>`)

  juliet.send(`<presence type='unsubscribed' to='${ROMEO}'/>`)
  t.deepEqual(await told(), { romeo: ['push from', 'unsubscribed juliet', 'unavailable juliet/balcony'], juliet: ['push to'] })
  juliet.send(`<presence type='unsubscribe' to='${ROMEO}'/>`)
  t.deepEqual(await told(), { romeo: ['push none', 'unsubscribe juliet'], juliet: ['push none', 'unavailable romeo/orchard'] })
})

test('a contact that may see already is told so by the server (RFC 6121 §3.1.3)', async (t) => {
  await using server = await startServer()
  const juliet = await appear(server, 'juliet', 'balcony')
  const proxy = await server.connectProxy()
  const ask = `<presence type='subscribe' from='gate@${PROXY}/x' to='${JULIET}'/>`
  proxy.send(ask)
  t.deepEqual(await heard(juliet, proxy), [`subscribe gate@${PROXY}`])
  juliet.send(`<presence type='subscribed' to='gate@${PROXY}'/>`)
  t.deepEqual(await heard(proxy, juliet), ['subscribed juliet', 'available juliet/balcony'])
  proxy.send(ask)
  t.deepEqual(await heard(proxy), ['subscribed juliet'])
  t.deepEqual(await heard(juliet), [])
})

test('a probe is answered to who may see, others hear unsubscribed (RFC 6121 §4.3.2)', async (t) => {
  await using server = await startServer()
  const romeo = await appear(server, 'romeo', 'orchard')
  const juliet = await appear(server, 'juliet', 'balcony')
  const proxy = await server.connectProxy()
  await subscribe(juliet, romeo)
  juliet.send(`<presence type='probe' to='${ROMEO}'/>`)
  t.deepEqual(await heard(juliet), ['available romeo/orchard'])
  proxy.send(`<presence type='probe' from='${PROXY}' to='${ROMEO}'/><presence type='probe' from='${PROXY}' to='tybalt@${DOMAIN}'/>`)
  t.deepEqual(await heard(proxy), ['unsubscribed romeo', 'unsubscribed tybalt'])
  const other = await appear(server, 'romeo', 'other')
  other.send(`<presence type='probe' to='${ROMEO}'/>`)
  t.deepEqual(await heard(other), ['available romeo/orchard', 'available romeo/other'])
})

test('asking for the presence of an account that is not there is refused at once', async (t) => {
  await using server = await startServer()
  const romeo = await appear(server, 'romeo', 'orchard')
  romeo.send(`<presence type='subscribe' to='tybalt@${DOMAIN}'/>`)
  t.deepEqual(await heard(romeo), ['unsubscribed tybalt'])
})

const refuses = test.macro({
  async exec(t, stanza: string, condition: string) {
    await using server = await startServer()
    const romeo = await appear(server, 'romeo', 'orchard')
    romeo.send(stanza)
    t.true((await romeo.next()).toString().includes(`<${condition}`))
  },
  title: (given, _stanza, condition) => `${given} is ${condition}`,
})
test('subscribing to oneself', refuses, `<presence type='subscribe' to='${ROMEO}'/>`, 'not-allowed')
test('subscribing to nobody', refuses, "<presence type='subscribe'/>", 'bad-request')

test('directed presence reaches an account that never subscribed, and so does its end (RFC 6121 §4.6)', async (t) => {
  await using server = await startServer()
  const romeo = await server.login('romeo', 'orchard')
  const juliet = await appear(server, 'juliet', 'balcony')
  const tower = await appear(server, 'juliet', 'tower')
  const nurse = await appear(server, 'nurse', 'room')
  const proxy = await server.connectProxy()
  await juliet.flush(DOMAIN)
  romeo.send(`<presence to='${JULIET}'/><presence to='nurse@${DOMAIN}/room'/><presence to='room@${PROXY}/nick'/>`)
  t.deepEqual(await heard(juliet, romeo), ['available romeo/orchard'])
  t.deepEqual(await heard(tower), ['available romeo/orchard'])
  t.deepEqual(await heard(nurse), ['available romeo/orchard'])
  t.deepEqual(await heard(proxy), ['available romeo/orchard'])
  romeo.send(`<presence type='unavailable' to='nurse@${DOMAIN}/room'/>`)
  t.deepEqual(await heard(nurse, romeo), ['unavailable romeo/orchard'])
  romeo.destroy()
  t.deepEqual(gist(await proxy.next()), 'unavailable romeo/orchard')
  t.deepEqual(await heard(juliet), ['unavailable romeo/orchard'])
  t.deepEqual(await heard(tower), ['unavailable romeo/orchard'])
  t.deepEqual(await heard(nurse), [], 'told already')
})

test('broadcast presence does not follow directed presence, but unavailable presence does, once (RFC 6121 §4.6.3)', async (t) => {
  await using server = await startServer()
  const romeo = await appear(server, 'romeo', 'orchard')
  const juliet = await appear(server, 'juliet', 'balcony')
  romeo.send(`<presence to='${JULIET}'/><presence><show>away</show></presence>`)
  t.deepEqual(await heard(juliet, romeo), ['available romeo/orchard'])
  romeo.send("<presence type='unavailable'/>".repeat(2))
  t.deepEqual(await heard(juliet, romeo), ['unavailable romeo/orchard'])
  romeo.destroy()
  await romeo.rest()
  t.deepEqual(await heard(juliet), [])
})

test('a subscriber that also got directed presence hears of the end once', async (t) => {
  await using server = await startServer()
  const romeo = await appear(server, 'romeo', 'orchard')
  const juliet = await appear(server, 'juliet', 'balcony')
  await subscribe(juliet, romeo)
  romeo.send(`<presence to='${JULIET}'/><presence to='${JULIET}/balcony'/><presence type='unavailable'/>`)
  t.deepEqual(await heard(juliet, romeo), ['available romeo/orchard', 'available romeo/orchard', 'unavailable romeo/orchard'])
})

test('directed presence to one address too many is a resource-constraint, and goes nowhere', async (t) => {
  await using server = await startServer({ limits: { directedPresencesMax: 2 } })
  const romeo = await server.login('romeo', 'orchard')
  const juliet = await appear(server, 'juliet', 'balcony')
  romeo.send(`<presence to='nurse@${DOMAIN}'/><presence to='nurse@${DOMAIN}/x'/><presence to='${JULIET}'/>`)
  t.regex((await romeo.next()).toString(), /type="error".*<resource-constraint/)
  t.deepEqual(await heard(juliet), [])
  romeo.send(`<presence to='nurse@${DOMAIN}'/><presence type='unavailable' to='nurse@${DOMAIN}/x'/><presence to='${JULIET}'/>`)
  t.deepEqual(await heard(romeo), [])
  t.deepEqual(await heard(juliet), ['available romeo/orchard'], 'an address that was told goodbye is free again')
})

test('presence of a component reaches a resource, or all of an account', async (t) => {
  await using server = await startServer()
  const juliet = await appear(server, 'juliet', 'balcony')
  const tower = await appear(server, 'juliet', 'tower')
  await juliet.flush(DOMAIN)
  const proxy = await server.connectProxy()
  proxy.send(
    `<presence from='${PROXY}' to='${JULIET}'/><presence from='${PROXY}' type='unavailable' to='${JULIET}/tower'/><presence from='${PROXY}' to='${JULIET}/gone'/>`,
  )
  t.deepEqual(await heard(juliet, proxy), [`available ${PROXY}`])
  t.deepEqual(await heard(tower), [`available ${PROXY}`, `unavailable ${PROXY}`])
})

test('a replaced resource is unavailable before it is available again (RFC 6121 §4.5)', async (t) => {
  await using server = await startServer()
  const romeo = await appear(server, 'romeo', 'orchard')
  const juliet = await appear(server, 'juliet', 'balcony')
  await subscribe(juliet, romeo)
  const newer = await appear(server, 'romeo', 'orchard')
  t.deepEqual(await heard(juliet, newer), ['unavailable romeo/orchard', 'available romeo/orchard'])
  await romeo.rest()
  newer.send(`<iq type='get' id='1' to='${ROMEO}/orchard'>${PING}</iq>`)
  t.is((await newer.next()).attrs['id'], '1', 'the older one took nothing with it')
})
