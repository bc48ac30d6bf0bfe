import test from 'ava'
import fc from 'fast-check'
import { type Element, NS, startAdopting } from '../../src/xep/index.ts'
import { accountOf, DOMAIN, PROXY, startServer } from '../helpers/embedded-server.ts'
import { clientHeader, login, RawStream } from '../helpers/raw-client.ts'

// Goal: whatever a client sends ends in routing, an error reply or a stream error, and never hurts anybody else.
// Method: one server; in each run a client that says anything, another one that has to stay and to get sound XML only.

const address = fc.constantFrom(
  '',
  DOMAIN,
  PROXY,
  `romeo@${DOMAIN}`,
  `juliet@${DOMAIN}`,
  `juliet@${DOMAIN}/balcony`,
  `juliet@${DOMAIN}/x`,
  'example.net',
  '@',
  'a@b@c',
)
const type = fc.constantFrom(
  'get',
  'set',
  'result',
  'error',
  'chat',
  'groupchat',
  'headline',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'probe',
  'unavailable',
  'x',
)
const namespace = fc.constantFrom(...Object.values(NS), 'urn:x', '')
const attributes = fc
  .record({
    to: fc.option(address),
    type: fc.option(type),
    id: fc.option(fc.constantFrom('1', '')),
    from: fc.option(fc.constantFrom(`romeo@${DOMAIN}`), { freq: 5 }),
  })
  .map((record) =>
    Object.entries(record)
      .flatMap(([name, value]) => (value === null ? [] : [` ${name}='${value}'`]))
      .join(''),
  )
const child = fc
  .record({
    name: fc.constantFrom('query', 'ping', 'bind', 'body', 'priority', 'item', 'error', 'x:y', 'vCard', 'constructor'),
    xmlns: namespace,
    text: fc.constantFrom('', '1', '-1000', 'x', "<item jid='a@b'/>", "<item jid='juliet@example.org' subscription='remove'/>"),
  })
  .map(({ name, xmlns, text }) => `<${name}${xmlns && ` xmlns='${xmlns}'`}>${text}</${name}>`)
const stanza = fc
  .record({
    name: fc.constantFrom('iq', 'message', 'presence', 'presence', 'auth', 'x'),
    attributes,
    children: fc.array(child, { maxLength: 2 }),
  })
  .map(({ name, attributes: text, children }) => `<${name}${text}>${children.join('')}</${name}>`)
const noise = fc.string({
  unit: fc.constantFrom('<', '>', '/', '&', ';', "'", '"', '=', ' ', 'a', ':', '\0', '\ud800', 'é', '!', '?'),
  maxLength: 20,
})
const said = fc.array(fc.oneof({ weight: 12, arbitrary: stanza }, { weight: 1, arbitrary: noise }), { minLength: 1, maxLength: 8 })

test('a client that has logged in may say anything', async (t) => {
  const errors: unknown[] = []
  const logger = { debug() {}, info() {}, warn() {}, error: (...args: unknown[]) => errors.push(args) }
  await using server = await startServer({}, { logger })
  const juliet = await server.login('juliet', 'balcony')
  juliet.send(`<presence/><iq type='get' id='r'><query xmlns='${NS.roster}'/></iq>`)
  const proxy = await server.connectProxy()
  const isSound = (stream: RawStream) => (element: Element) => stream.header !== undefined && startAdopting(stream.header)(element)
  await fc.assert(
    fc.asyncProperty(said, async (stanzas) => {
      const romeo = await login(server.client, accountOf('romeo'), 'orchard')
      romeo.send(stanzas.join(''))
      romeo.send('</stream:stream>')
      const answers = await romeo.rest()
      const heard = [...(await juliet.flush(DOMAIN)), ...(await proxy.flush(DOMAIN))]
      return answers.every((element) => element.is('error', NS.stream) || isSound(romeo)(element)) && heard.every(isSound(juliet))
    }),
    { numRuns: 150 },
  )
  t.deepEqual(errors, [])
})

test('a stranger may say anything', async (t) => {
  await using server = await startServer()
  const juliet = await server.login('juliet', 'balcony')
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('', clientHeader(DOMAIN)), said, fc.boolean(), async (header, stanzas, isComponent) => {
      const stranger = await RawStream.open(isComponent ? server.component : server.client)
      stranger.send(header + stanzas.join(''))
      stranger.end()
      await stranger.rest()
      return (await juliet.flush(DOMAIN)).length === 0
    }),
    { numRuns: 150 },
  )
  t.pass()
})
