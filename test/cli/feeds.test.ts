// Goal: offer, watch and get as people and as programs see them.
// Method: the commands in this process, on our own service behind the embedded server; files of a few octets, in band where it does not matter.

import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { buildPresence } from '../../src/xep/index.ts'
import { startCli, withInput } from '../helpers/cli.ts'
import { type RunningCommand, startCommand } from '../helpers/command.ts'
import { ours } from '../helpers/own-pubsub.ts'
import { until } from '../helpers/peer.ts'
import { ejabberd, onServer, prosody, type ServerUnderTest } from '../helpers/server.ts'
import { makeFolder } from '../helpers/transfers.ts'
import { networkOn, startNetwork } from '../helpers/xmpp-network.ts'

const SERVICE = 'pubsub.localhost'

/** As an account. */
const environmentOf = (local: string, server: Pick<ServerUnderTest, 'client'>) => ({
  NO_COLOR: '1',
  STREAMHOST_ACCOUNT: `${local}@localhost`,
  STREAMHOST_PASSWORD: 'pencil',
  STREAMHOST_SERVICE: `xmpp://${server.client.host}:${server.client.port}`,
})

/** Starts commands of one account. */
function as(t: ExecutionContext, local: string, server: Pick<ServerUnderTest, 'client'>, columns?: number) {
  const environment = environmentOf(local, server)
  return (...args: string[]) => startCommand(t, args, { environment, columns })
}

/** Everything it has told by now. */
const factsOf = ({ stdout }: RunningCommand) =>
  stdout.written
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const factOf = (command: RunningCommand, event: string) => factsOf(command).find((fact) => fact['event'] === event) ?? {}

async function makeContent(t: ExecutionContext, name: string, octets = 2_000) {
  const folder = await makeFolder(t)
  const content = randomBytes(octets)
  const path = join(folder, name)
  await writeFile(path, content)
  return { folder, path, content, sha256: createHash('sha256').update(content).digest('hex') }
}

for (const kind of [ours, prosody, ejabberd]) {
  onServer(kind, 'commands of feeds, from one to the other', { accounts: ['ci', 'wall'], ownPubsub: SERVICE }, (test) => {
    test('what is offered on a new feed is announced, fetched by who watches, and taken back by Ctrl-C', async (t, server) => {
      const [ci, wall] = [as(t, 'ci', server), as(t, 'wall', server)]
      const { folder, path, content, sha256 } = await makeContent(t, 'image.iso')
      const offer = ci('offer', 'builds/nightly', path, '--description', 'of the main branch', '--downloads-max', '5', '--at-once-max', '2')
      await offer.said('Ctrl-C takes it back\n')
      const [created, offered, link, last] = offer.stdout.written.split('\n')
      t.is(created, `created the feed builds/nightly at ${SERVICE}`)
      t.is(offered, `${path}: 2 KiB on offer at builds/nightly of ${SERVICE}, to whoever may see that, 5 times, 2 at once`)
      t.regex(link ?? '', /^ {2}xmpp:ci@localhost\?jingle;id=[\w-]+$/)
      t.is(last, 'Ctrl-C takes it back')

      const into = join(folder, 'wall')
      const watch = wall('watch', 'builds/nightly', '--get', into)
      await watch.said(`SHA-256 ${sha256}\n`)
      const [watching, announced, fetched] = watch.stdout.written.split('\n')
      t.is(watching, `watching builds/nightly at ${SERVICE}; Ctrl-C ends it`)
      t.is(announced, 'builds/nightly  image.iso, 2 KiB, from ci@localhost: of the main branch')
      t.regex(fetched ?? '', /^.*wall\/image\.iso: from ci@localhost, 2 KiB in /)
      t.deepEqual(await readFile(join(into, 'image.iso')), content)
      await offer.said('1 of 5 downloads\n')
      t.regex(offer.stdout.written, /image\.iso: wall@localhost has it, 2 KiB in .*\/s; 1 of 5 downloads\n$/)

      offer.interrupt()
      const { code, stderr, stdout } = await offer.ended
      t.deepEqual([code, stderr], [0, ''])
      t.true(stdout.endsWith('image.iso: no longer on offer; 1 of 5 downloads\n'), stdout)
      await watch.said('builds/nightly  withdrawn: ')
      watch.interrupt()
      t.like(await watch.ended, { code: 0, stderr: '' })
    })
  })
}

onServer(ours, 'commands of feeds', { accounts: ['ci', 'owner', 'host', 'shop', 'mail', 'wall', 'desk'], ownPubsub: SERVICE }, (test) => {
  test('programs are told the same as objects', async (t, server) => {
    const [ci, wall] = [as(t, 'owner', server), as(t, 'wall', server)]
    const { folder, path, sha256 } = await makeContent(t, 'a.png')
    const offer = ci('offer', 'facts', path, '--type', 'image/png', '--key', 'linux.amd64', '--for', '1h', '--method', 'ibb', '--json')
    await offer.said('"event":"ready"')
    const { id, uri, expiresMs } = factOf(offer, 'offered')
    t.like(factOf(offer, 'created'), { service: SERVICE, node: 'facts' })
    t.like(factOf(offer, 'offered'), { path, service: SERVICE, node: 'facts', size: 2_000, key: 'linux.amd64', pep: false })
    t.is(uri, `xmpp:owner@localhost?jingle;id=${id}`)
    t.true(Number(expiresMs) > Date.now())

    const watch = wall('watch', 'facts', '--get', folder, '--method', 'ibb', '--once', '--json')
    t.is((await watch.ended).code, 0)
    t.like(factOf(watch, 'watching'), { service: SERVICE, node: 'facts' })
    const announced = { service: SERVICE, node: 'facts', id, name: 'a.png', size: 2_000, type: 'image/png', sha256, key: 'linux.amd64' }
    t.like(factOf(watch, 'announced'), announced)
    t.like(factOf(watch, 'received'), {
      node: 'facts',
      id,
      path,
      from: factOf(offer, 'offered')['owner'],
      size: 2_000,
      sha256,
      alreadyThere: true,
    })
    const get = wall('get', String(uri), '--out', join(folder, 'other.png'), '--method', 'ibb', '--json')
    t.like(await get.ended, { code: 0, stderr: '' })
    t.like(factOf(get, 'opened'), { name: 'other.png', method: 'ibb', size: 2_000 })
    t.like(factOf(get, 'received'), { uri, path: join(folder, 'other.png'), size: 2_000, sha256, verified: 'sha-256', method: 'ibb' })
    await offer.said('"event":"sent"')
    t.like(factOf(offer, 'opened'), { path, id, method: 'ibb', negotiation: 'jingle' })
    t.like(factOf(offer, 'sent'), { path, id, size: 2_000, sha256, method: 'ibb', downloads: 1 })
    offer.interrupt()
    t.is((await offer.ended).code, 0)
    t.like(factOf(offer, 'ended'), { path, id, reason: 'withdrawn', downloads: 1 })
  })

  test('without --get announcements are printed with their links, and --once ends with the first', async (t, server) => {
    const [ci, wall] = [as(t, 'ci', server), as(t, 'wall', server)]
    const { path } = await makeContent(t, 'notes.txt')
    const offer = ci('offer', 'links', path)
    await offer.said('Ctrl-C takes it back\n')
    const { code, stdout } = await wall('watch', 'links', '--once').ended
    t.is(code, 0)
    const [, announced, link] = stdout.split('\n')
    t.is(announced, 'links  notes.txt, 2 KiB, from ci@localhost')
    const [id = ''] = offer.stdout.written.match(/(?<=id=)\S+/) ?? []
    t.regex(link ?? '', new RegExp(`^ {2}xmpp:ci@localhost/\\S+\\?jingle;id=${id}$`))
  })

  test('a feed is named by its address, too, as it stands in rosters', async (t, server) => {
    const [ci, wall] = [as(t, 'ci', server), as(t, 'wall', server)]
    const { path } = await makeContent(t, 'notes.txt')
    const address = `by\\2faddress@${SERVICE}`
    const offer = ci('offer', address, path)
    await offer.said('Ctrl-C takes it back\n')
    t.true(offer.stdout.written.startsWith(`created the feed by/address at ${SERVICE}\n`))
    const { code, stdout } = await wall('watch', address, '--once').ended
    t.is(code, 0)
    t.is(stdout.split('\n')[1], 'by/address  notes.txt, 2 KiB, from ci@localhost')
    // At the domain of accounts there are no feeds: that is a name.
    const other = ci('offer', 'someone@localhost', path)
    await other.said('Ctrl-C takes it back\n')
    t.true(other.stdout.written.startsWith(`created the feed someone@localhost at ${SERVICE}\n`))
    for (const each of [offer, other]) {
      each.interrupt()
      t.is((await each.ended).code, 0)
    }
  })

  test('with - links are read out of whatever comes on stdin, each once', async (t, server) => {
    const mail = as(t, 'mail', server)
    const { folder, path, content } = await makeContent(t, 'linked.bin')
    const offer = mail('offer', 'stdin', path)
    await offer.said('Ctrl-C takes it back\n')
    const [link = ''] = offer.stdout.written.match(/xmpp:\S+/) ?? []
    const chat = join(folder, 'chat.log')
    await writeFile(chat, `12:00 ci: here <${link}>\n12:01 you: xmpp:wall@localhost is me\n12:02 ci: ${link}\n`)
    const environment = environmentOf('wall', server)
    const get = await startCli(t, ['get', '-', '--into', join(folder, 'in')], environment, withInput(chat)).ended
    t.deepEqual([get.code, get.stderr], [0, ''])
    t.deepEqual(await readdir(join(folder, 'in')), ['linked.bin'])
    t.deepEqual(await readFile(join(folder, 'in', 'linked.bin')), content)
    await writeFile(chat, 'nothing here\n')
    const none = await startCli(t, ['get', '-', '--into', join(folder, 'in')], environment, withInput(chat)).ended
    t.deepEqual([none.code, none.stderr], [2, 'streamhost: there is no link on stdin, such as xmpp:ci@example.org?jingle;id=…\n'])
    offer.interrupt()
    t.is((await offer.ended).code, 0)
  })

  test('an offer ends with its last download, and whoever asks then is refused', async (t, server) => {
    const [ci, wall, desk] = [as(t, 'shop', server), as(t, 'wall', server), as(t, 'desk', server)]
    const { folder, path } = await makeContent(t, 'once.bin')
    const others = await makeContent(t, 'other.bin')
    const offer = ci('offer', 'used', path, others.path, '--downloads-max', '1')
    await offer.said('Ctrl-C takes them back\n')
    const [link = ''] = offer.stdout.written.match(/xmpp:\S+/) ?? []
    t.like(await wall('get', link, '--into', join(folder, 'a')).ended, { code: 0, stderr: '' })
    await offer.said('no longer on offer: it was fetched as often as it was to be; 1 of 1 downloads\n')
    const late = await desk('get', link, '--into', join(folder, 'b')).ended
    t.is(late.code, 3)
    t.regex(late.stderr, /^streamhost: shop@localhost\/\S+ does not offer it: .*\n$/)
    offer.interrupt()
    t.is((await offer.ended).code, 0)
  })

  test('whoever an offer is not for is refused, and its owner sees it', async (t, server) => {
    const [ci, wall, desk] = [as(t, 'host', server), as(t, 'wall', server), as(t, 'desk', server)]
    const { folder, path } = await makeContent(t, 'private.bin')
    const offer = ci('offer', 'club', path, '--to', 'desk@localhost')
    await offer.said('Ctrl-C takes it back\n')
    t.true(offer.stdout.written.includes(', to desk@localhost\n'))
    const [link = ''] = offer.stdout.written.match(/xmpp:\S+/) ?? []
    // The owner shows itself to those it is for only; who knows its address is told.
    t.like(await wall('get', link, '--into', join(folder, 'a')).ended, { code: 4 })
    const { stdout } = await desk('watch', 'club', '--once').ended
    const [whole = ''] = stdout.match(/xmpp:\S+/) ?? []
    t.like(await wall('get', whole, '--into', join(folder, 'a')).ended, { code: 3 })
    await offer.said('private.bin: not for wall@localhost: it is not offered to you\n')
    t.like(await desk('get', link, '--into', join(folder, 'b')).ended, { code: 0 })
    // What one has was fetched, what the other wanted was told of.
    const both = await desk('get', link, 'xmpp:wall@localhost/gone?jingle;id=a', '--into', join(folder, 'c')).ended
    t.regex(both.stderr, /^xmpp:wall@localhost\/gone\?jingle;id=a: .*\nstreamhost: 1 of 2 files were not fetched\n$/)
    t.deepEqual(await readdir(join(folder, 'c')), ['private.bin'])
  })

  test('--keep leaves an offer announced as paused: who watches waits, and the same command takes it up again', async (t, server) => {
    const [ci, wall] = [as(t, 'ci', server), as(t, 'wall', server)]
    const { folder, path, sha256 } = await makeContent(t, 'kept.bin')
    const offer = ci('offer', 'kept', path, '--keep')
    await offer.said('Ctrl-C leaves it announced, as paused\n')
    offer.interrupt()
    t.true((await offer.ended).stdout.endsWith('still announced, as paused: the same command takes it up again; 0 downloads\n'))
    const watch = wall('watch', 'kept', '--get', join(folder, 'in'), '--once')
    await watch.said('kept  kept.bin waits: ci@localhost is away; it is fetched when it is announced again\n')
    const again = ci('offer', 'kept', path)
    await again.said('Ctrl-C takes it back\n')
    t.is(again.stdout.written.match(/xmpp:\S+/)?.[0], offer.stdout.written.match(/xmpp:\S+/)?.[0])
    const { code, stdout } = await watch.ended
    t.is(code, 0)
    t.true(stdout.includes(sha256))
  })

  test('what is not wanted is passed over, with the reason', async (t, server) => {
    const [ci, wall] = [as(t, 'ci', server), as(t, 'wall', server)]
    const { folder, path } = await makeContent(t, 'large.png', 70_000)
    const small = await makeContent(t, 'small.png')
    const offer = ci('offer', 'wanted', path, small.path, '--type', 'image/png')
    await offer.said('Ctrl-C takes them back\n')
    const watch = wall('watch', 'wanted', '--get', join(folder, 'in'), '--size-max', '64KiB', '--type', 'image/*', '--once')
    t.is((await watch.ended).code, 0)
    t.deepEqual(await readdir(join(folder, 'in')), ['small.png'])
    const other = wall('watch', 'wanted', '--get', join(folder, 'in'), '--type', 'text/*')
    await other.said('wanted  small.png: not fetched: ')
    t.regex(other.stdout.written, /wanted {2}\S+\.png: not fetched: files of this type are not wanted\n/)
  })

  test('a file that is not there is no matter of the others, and the exit code says so', async (t, server) => {
    const ci = as(t, 'ci', server)
    const { path, folder } = await makeContent(t, 'one.bin')
    const none = join(folder, 'none.bin')
    const alone = await ci('offer', 'missing', none).ended
    t.is(alone.code, 1)
    t.regex(alone.stderr, /^streamhost: .*none\.bin.*ENOENT.*\n$/)
    const offer = ci('offer', 'missing', none, path)
    await offer.said('Ctrl-C takes it back\n')
    offer.interrupt()
    const { code, stderr } = await offer.ended
    t.is(code, 1)
    t.regex(stderr, /none\.bin.*ENOENT.*\nstreamhost: 1 of 2 files were not offered\n$/)
  })

  test('a feed that is not there cannot be watched, and what to do is said', async (t, server) => {
    const wall = as(t, 'wall', server)
    const { code, stdout, stderr } = await wall('watch', 'nothing').ended
    t.deepEqual([code, stdout], [4, ''])
    t.regex(stderr, /^streamhost: pubsub\.localhost answered item-not-found.*; "streamhost pubsub nodes" tells which feeds there are;/)
    const elsewhere = await wall('watch', `xmpp:${SERVICE}?;node=nothing`, '--json').ended
    t.is(elsewhere.code, 4)
    t.regex(elsewhere.stdout, /^\{"event":"error"/)
  })

  test('a feed that goes ends watching it', async (t, server) => {
    const [ci, wall] = [as(t, 'ci', server), as(t, 'wall', server)]
    await ci('pubsub', 'create', 'goes', '--to', SERVICE).ended
    const watch = wall('watch', 'goes', '--at', SERVICE)
    await watch.said('watching goes')
    await untilSubscribed(ci, 'goes')
    await ci('pubsub', 'delete', 'goes', '--to', SERVICE).ended
    const { code, stdout, stderr } = await watch.ended
    t.is(code, 4)
    t.true(stdout.endsWith('goes  the feed was deleted\n'), stdout)
    t.is(stderr, 'streamhost: there is no feed left to watch\n')
  })

  test('--once with --time-max says that nothing has come; without --once that is no failure', async (t, server) => {
    const [ci, wall] = [as(t, 'ci', server), as(t, 'wall', server)]
    await ci('pubsub', 'create', 'quiet', '--to', SERVICE).ended
    // Its time runs while it logs in, too: what is too short for that on this machine says nothing.
    const watched = async (...options: readonly string[]) => {
      for (let seconds = 1; seconds < 64; seconds *= 2) {
        const idle = await wall('watch', 'quiet', ...options, '--time-max', `${seconds}s`).ended
        if (idle.stdout.includes('watching quiet')) return { ...idle, seconds }
      }
      return t.fail('it never watched') as never
    }
    const { seconds, ...once } = await watched('--once')
    t.like(once, { code: 4, stderr: `streamhost: nothing has come within ${seconds} s\n` })
    t.like(await watched(), { code: 0, stderr: '' })
  })

  for (const columns of [40, 60, 120]) {
    test(`in ${columns} columns no line is longer, but for links`, async (t, server) => {
      const [ci, wall] = [as(t, 'ci', server, columns), as(t, 'wall', server, columns)]
      const { path, folder } = await makeContent(t, 'wide.bin')
      const name = `wide${columns}`
      const offer = ci('offer', name, path, '--description', 'a long story about what is in this file, and why', '--for', '24h')
      await offer.said('Ctrl-C takes it back\n')
      const { stdout } = await wall('watch', name, '--get', join(folder, 'in'), '--once').ended
      offer.interrupt()
      for (const line of [...(await offer.ended).stdout.split('\n'), ...stdout.split('\n')]) {
        const words = line.trim().split(' ')
        t.true(line.length <= columns || words.length === 1 || /[/\\]/.test(line), line)
      }
    })
  }
})

/** Settles when somebody follows a feed. */
async function untilSubscribed(owner: ReturnType<typeof as>, node: string): Promise<void> {
  for (;;) {
    const { stdout } = await owner('pubsub', 'subscriptions', node, '--of-node', '--to', SERVICE).ended
    if (stdout !== '') return
  }
}

const environment = { STREAMHOST_PASSWORD: 'pencil' }
for (const [what, args, message] of [
  ['a feed without a name', ['offer', '', 'f'], 'a feed has a name: that of its node'],
  ['a link that is none to a feed', ['watch', 'xmpp:a.b?jingle;id=c'], 'that is no link to a feed, as xmpp:SERVICE?;node=… is'],
  [
    'a link and another service',
    ['watch', 'xmpp:a.b?;node=c', '--at', 'd.b'],
    'xmpp:a.b?;node=c is at a.b, and --at says d.b: leave --at out',
  ],
  ['no downloads', ['offer', 'n', 'f', '--downloads-max', '0'], '--downloads-max: "0" is wrong: expected a whole number from 1 on'],
  [
    'no time',
    ['offer', 'n', 'f', '--for', 'soon'],
    '--for: "soon" is wrong: expected a time with its unit (ms, s, m, h, d), up to 24d, such as 30s',
  ],
  ['no link', ['get', 'image.iso', '--into', 'd'], 'that is no xmpp: link'],
  ['nowhere to store it', ['get', 'xmpp:a@b?jingle;id=c'], '--into is missing: expected DIR, where files are stored, or --out FILE'],
  [
    'two places to store it',
    ['get', 'xmpp:a@b?jingle;id=c', '--into', 'd', '--out', 'e'],
    '--into and --out exclude each other: name one of them',
  ],
  [
    'one name for two files',
    ['get', 'xmpp:a@b?jingle;id=c', 'xmpp:a@b?jingle;id=d', '--out', 'e'],
    '--out is of one file, and 2 are to be fetched: name a folder with --into',
  ],
] as const) {
  ava(`${args[0]} with ${what} is one line on stderr, exit code 2, and nobody is asked`, async (t) => {
    const { ended } = startCommand(t, [...args, '--account', 'a@b'], { environment })
    t.deepEqual(await ended, { code: 2, stdout: '', stderr: `streamhost: ${message}\n` })
  })
}

ava('a server without a service is said, exit code 4', async (t) => {
  const { jid, service } = (await startNetwork(t, ['laptop'])).account('laptop')
  const { path } = await makeContent(t, 'a.bin')
  for (const args of [
    ['offer', 'n', path],
    ['watch', 'n'],
  ]) {
    const { code, stderr } = await startCommand(t, [...args, '--account', jid, '--service', `${service}`], { environment }).ended
    t.deepEqual([code, stderr], [4, 'streamhost: the server names no publish-subscribe service; name one with --at\n'])
  }
})

for (const kind of [ours, prosody, ejabberd]) {
  onServer(kind, 'notify', { accounts: ['bot', 'you', 'script', 'them'], ownPubsub: SERVICE, rooms: 'rooms.localhost' }, (test) => {
    test('somebody is told, also with a file, which is on offer until they have it', async (t, server) => {
      const [bot, you] = [as(t, 'bot', server), as(t, 'you', server)]
      const { folder, path, content } = await makeContent(t, 'big.log')
      const session = await networkOn(t, server).logIn('you')
      const messages: string[] = []
      session.on('message', ({ from = '', body }) => messages.push(`${from.split('/')[0]}: ${body}`))
      session.send(buildPresence({ type: 'available', priority: 5 }))
      const plain = await bot('notify', 'you@localhost', 'disk full').ended
      t.deepEqual(plain, { code: 0, stdout: 'told you@localhost\n', stderr: '' })

      const notify = bot('notify', 'you@localhost', 'last night', '--file', path)
      await notify.said('Ctrl-C takes it back\n')
      const [link = ''] = notify.stdout.written.match(/xmpp:\S+/) ?? []
      t.is((await you('get', link, '--into', join(folder, 'in')).ended).code, 0)
      const { code, stdout, stderr } = await notify.ended
      t.deepEqual([code, stderr], [0, ''])
      t.true(stdout.endsWith('no longer on offer: it was fetched as often as it was to be; 1 of 1 downloads\n'), stdout)
      t.deepEqual(await readFile(join(folder, 'in', 'big.log')), content)
      await until(() => messages.length > 1) // By a connection of its own.
      t.is(messages[0], 'bot@localhost: disk full')
      t.regex(messages[1] ?? '', /^bot@localhost: last night\nbig\.log \(2 KiB\)\nxmpp:bot@localhost\/\S+\?jingle;id=/)
    })

    test('programs are told the same as objects, and - is what comes on stdin', async (t, server) => {
      const [script, them] = [as(t, 'script', server), as(t, 'them', server)]
      const { folder, path, sha256 } = await makeContent(t, 'big.log')
      const session = await networkOn(t, server).logIn('them')
      session.send(buildPresence({ type: 'available', priority: 5 }))
      const said = new Promise((resolve) => session.once('message', ({ body }) => resolve(body)))
      const text = join(folder, 'text')
      await writeFile(text, 'the disk\nis full\n')
      const plain = await startCli(t, ['notify', 'them@localhost', '-', '--json'], environmentOf('script', server), withInput(text)).ended
      t.deepEqual([plain.code, plain.stderr], [0, ''])
      t.deepEqual(JSON.parse(plain.stdout), { event: 'notified', kind: 'user', to: 'them@localhost' })
      t.is(await said, 'the disk\nis full')

      const notify = script('notify', 'them@localhost', 'last night', '--file', path, '--method', 'ibb', '--json')
      await notify.said('"event":"offered"')
      const { id, uri, owner } = factOf(notify, 'offered')
      t.like(factOf(notify, 'offered'), { path, size: 2_000, downloadsMax: 1, uri: `xmpp:script@localhost?jingle;id=${id}` })
      const link = String(uri).replace('script@localhost', String(owner))
      t.is((await them('get', link, '--into', join(folder, 'in'), '--method', 'ibb').ended).code, 0)
      t.like(await notify.ended, { code: 0, stderr: '' })
      t.like(factOf(notify, 'notified'), { kind: 'user', to: 'them@localhost' })
      t.like(factOf(notify, 'opened'), { path, id, method: 'ibb' })
      t.like(factOf(notify, 'sent'), { path, id, size: 2_000, sha256, downloads: 1 })
      t.like(factOf(notify, 'ended'), { path, id, reason: 'used up', downloads: 1 })
    })

    test('on a feed it is an item, and who watches is told', async (t, server) => {
      const [bot, you] = [as(t, 'bot', server), as(t, 'you', server)]
      await bot('pubsub', 'create', 'alarms', '--to', SERVICE, '--set', 'access_model=open').ended
      const { code, stdout } = await bot('notify', `xmpp:${SERVICE}?;node=alarms`, 'disk full').ended
      t.deepEqual([code, stdout], [0, `published at alarms of ${SERVICE}\n`])
      const watch = you('watch', 'alarms', '--at', SERVICE)
      await watch.said('alarms  disk full\n')
    })
  })
}
