import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { attribute, NS } from '../../src/xep/index.ts'
import { startCli } from '../helpers/cli.ts'
import { DOMAIN, PROXY } from '../helpers/prosody.ts'
import { outcome, WirePubsub } from '../helpers/pubsub-service.ts'
import { type Address, login } from '../helpers/raw-client.ts'
import { type Serve, startServe } from '../helpers/serve.ts'
import { embedded } from '../helpers/server.ts'

const PAYLOAD = "<test xmlns='urn:example'/>"

async function folderFor(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-pubsub-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

async function enter(t: ExecutionContext, serve: Serve, local: string): Promise<WirePubsub> {
  const { client } = (await serve.cli.event('ready')) as unknown as { client: Address }
  const stream = await login(client, { local, password: 'pencil', domain: DOMAIN }, 'desk')
  t.teardown(() => stream.destroy())
  return new WirePubsub(stream, PROXY)
}

test('serve --data: what is published is told and kept, also beyond the end of the process; the proxy is beside it', async (t) => {
  const data = await folderFor(t)
  const accounts = ['hamlet', 'francisco']
  const first = await startServe(t, { accounts, args: ['--data', data] })
  t.is((await first.cli.event('ready'))['pubsub'], 'on disk')
  const hamlet = await enter(t, first, 'hamlet')
  const francisco = await enter(t, first, 'francisco')
  const info = await hamlet.ask('get', `<query xmlns='${NS.discoInfo}'/>`)
  for (const feature of [NS.bytestreams, NS.pubsub]) t.true(info.toString().includes(`var="${feature}"`), feature)
  t.is(outcome(await hamlet.set("<create node='news'/>")), 'result')
  t.is(outcome(await francisco.set(`<subscribe node='news' jid='${francisco.jid}'/>`)), 'result')
  t.is(outcome(await hamlet.set(`<publish node='news'><item id='one'>${PAYLOAD}</item></publish>`)), 'result')
  const told = (await francisco.message()).getChild('event', NS.pubsubEvent)?.getChild('items')
  t.is(told && attribute(told, 'node'), 'news')
  first.cli.child.kill('SIGKILL')
  await first.cli.ended

  const second = await startServe(t, { accounts, args: ['--data', data] })
  const again = await enter(t, second, 'francisco')
  t.regex((await again.get("<items node='news'/>")).toString(), /<item id="one"><test xmlns="urn:example"\/><\/item>/)
  t.regex((await again.get('<subscriptions/>')).toString(), /node="news"/)
})

test('serve --pubsub-only: no SOCKS5 port, no proxy; in memory without --data, which is said', async (t) => {
  await using server = await embedded.start({ components: [PROXY] })
  const { host, port } = server.componentAt(PROXY)
  const args = ['serve', '--json', '--domain', PROXY, '--service', `xmpp://${host}:${port}`, '--pubsub-only', '--log-level', 'info']
  const serve = startCli(t, args, { STREAMHOST_SECRET: server.secret })
  const { event, ...facts } = await serve.event('ready')
  t.deepEqual(facts, { domain: PROXY, pubsub: 'in memory' })
  serve.child.kill('SIGTERM')
  const { code, stderr } = await serve.ended
  t.is(code, 0)
  t.regex(stderr, /nodes are kept in memory, and gone when this ends/)
  t.notRegex(stderr, /octets are relayed/)
})

test('serve --feeds-domain: publish-subscribe at an address of its own, with its secret, and the proxy at the other', async (t) => {
  const feeds = `feeds.${DOMAIN}`
  const serve = await startServe(t, { accounts: ['hamlet'], args: ['--feeds-domain', feeds] })
  t.is((await serve.cli.event('ready'))['pubsub'], 'in memory')
  const hamlet = await enter(t, serve, 'hamlet')
  const question = `<query xmlns='${NS.discoInfo}'/>`
  const [proxy, service] = [String(await hamlet.ask('get', question, PROXY)), String(await hamlet.ask('get', question, feeds))]
  t.deepEqual([proxy.includes(`"${NS.bytestreams}"`), proxy.includes(`"${NS.pubsub}"`)], [true, false])
  t.deepEqual([service.includes(`"${NS.bytestreams}"`), service.includes(`"${NS.pubsub}"`)], [false, true])
})

test('serve --feeds-domain is a second address', async (t) => {
  for (const args of [
    ['--feeds-domain', PROXY],
    ['--feeds-domain', `feeds.${DOMAIN}`, '--pubsub-only'],
  ]) {
    const { code, stderr } = await startCli(t, ['serve', '--domain', PROXY, ...args], { STREAMHOST_SECRET: 'x' }).ended
    t.is(code, 2)
    t.regex(stderr, /--feeds-domain is a second address/)
  }
})
