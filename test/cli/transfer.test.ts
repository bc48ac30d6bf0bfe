import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { InBandTarget, StreamInitiationResponder } from '../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { clientConnector, Session } from '../../src/session/index.ts'
import { NS } from '../../src/xep/index.ts'
import { startBox, toldBy } from '../helpers/box.ts'
import { startCli } from '../helpers/cli.ts'
import { PROXY } from '../helpers/prosody.ts'
import { storedIn } from '../helpers/transfers.ts'

test('send and receive move files between two accounts, and report them as JSON', async (t) => {
  const { folder, as } = await startBox(t)
  const contents = [randomBytes(300_000), Buffer.alloc(0)] as const
  const paths = [join(folder, 'one.bin'), join(folder, 'two.bin')] as const
  for (const [index, path] of paths.entries()) await writeFile(path, contents[index] as Buffer)

  const [desk, environment] = as('desk')
  const receive = startCli(t, ['receive', ...desk, '--into', join(folder, 'inbox'), '--from', 'laptop@localhost'], environment)
  t.like(await receive.event('ready'), { into: join(folder, 'inbox'), from: ['laptop@localhost'] })
  const [laptop] = as('laptop')
  const send = await startCli(t, ['send', ...paths, ...laptop, '--to', 'desk@localhost', '--method', 'proxy'], environment).ended
  t.is(send.code, 0, send.stderr)
  const sent = send.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === 'sent')
  t.deepEqual(
    sent.map(({ path, size, sha256 }) => [path, size, sha256]).sort(),
    paths
      .map((path, index) => [
        path,
        contents[index]?.length,
        createHash('sha256')
          .update(contents[index] as Buffer)
          .digest('hex'),
      ])
      .sort(),
  )
  await receive.event('received', 2)
  receive.child.kill('SIGINT')
  t.is((await receive.ended).code, 0)
  t.deepEqual(await readFile(join(folder, 'inbox', 'one.bin')), contents[0])
  t.deepEqual((await readdir(join(folder, 'inbox'))).sort(), ['one.bin', 'two.bin'])
})

test('send --method ibb goes in band, and both sides say so', async (t) => {
  const { folder, as } = await startBox(t)
  const path = join(folder, 'one.bin')
  const content = randomBytes(20_000)
  await writeFile(path, content)
  const [desk, environment] = as('desk')
  const receive = startCli(t, ['receive', '--once', ...desk, '--into', join(folder, 'inbox'), '--from', 'laptop@localhost'], environment)
  await receive.event('ready')
  const [laptop] = as('laptop')
  const send = await startCli(t, ['send', path, ...laptop, '--to', 'desk@localhost', '--method', 'ibb'], environment).ended
  t.is(send.code, 0, send.stderr)
  const { opened, sent } = toldBy(send.stdout)
  t.like(opened, { negotiation: 'jingle', method: 'ibb', blockSize: 4096 })
  for (const absent of ['streamhost', 'host', 'port', 'reason']) t.false(absent in (opened ?? {}), absent)
  t.like(sent, { method: 'ibb', size: 20_000, confirmed: true })
  const received = await receive.ended
  t.is(received.code, 0)
  const facts = toldBy(received.stdout)
  t.like(facts['opened'], { negotiation: 'jingle', method: 'ibb', blockSize: 4096, size: 20_000 })
  t.like(facts['received'], { method: 'ibb', size: 20_000 })
  t.deepEqual(await readFile(join(folder, 'inbox', 'one.bin')), content)
})

test('send says why it goes in band where it was not told to', async (t) => {
  const { folder, as } = await startBox(t)
  const path = join(folder, 'one.bin')
  await writeFile(path, 'one')
  const [laptop, environment] = as('laptop')
  const { STREAMHOST_PASSWORD: password, STREAMHOST_SERVICE: service } = environment
  const account = { jid: 'desk@localhost', password: password as string, service: service as string }
  const session = new Session({}, clientConnector(systemClock, account), { reconnect: 'never' })
  t.teardown(() => session.stop())
  const jid = await session.start()
  const target = new InBandTarget({ session, clock: systemClock, logger: silentLogger })
  new StreamInitiationResponder(session).handle(NS.siFileTransfer, ({ from, id }) => {
    void target.expect({ from, sid: id }).then(({ stream }) => stream.resume().once('end', () => stream.end()))
    return { method: NS.inBand }
  })
  const people = laptop.filter((argument) => argument !== '--json')
  const { code, stdout, stderr } = await startCli(t, ['send', path, ...people, '--to', jid], environment).ended
  t.is(code, 0, stderr)
  const by = 'by stream initiation (it shows no file transfer by Jingle)'
  t.is(stdout.split('\n')[0], `${path}: to ${jid}, ${by}, in band, through the XMPP servers: ${jid} has chosen it`)
})

test('send --negotiation takes the one it is told, and both sides say so', async (t) => {
  const { folder, as } = await startBox(t)
  const path = join(folder, 'one.bin')
  await writeFile(path, 'one')
  const [desk, environment] = as('desk')
  const receive = startCli(t, ['receive', '--once', ...desk, '--into', join(folder, 'inbox'), '--from', 'laptop@localhost'], environment)
  await receive.event('ready')
  const [laptop] = as('laptop')
  const send = await startCli(t, ['send', path, ...laptop, '--to', 'desk@localhost', '--negotiation', 'si'], environment).ended
  t.is(send.code, 0, send.stderr)
  t.like(toldBy(send.stdout)['opened'], { negotiation: 'si' })
  t.false('negotiationReason' in (toldBy(send.stdout)['opened'] ?? {}))
  t.like(toldBy((await receive.ended).stdout)['opened'], { negotiation: 'si' })
  const wrong = await startCli(t, ['send', path, ...laptop, '--to', 'desk@localhost', '--negotiation', 'mail'], environment).ended
  t.is(wrong.code, 2)
})

test('receive --once ends after the first file', async (t) => {
  const { folder, as } = await startBox(t)
  const path = join(folder, 'one.bin')
  await writeFile(path, 'one')
  const [desk, environment] = as('desk')
  const receive = startCli(t, ['receive', '--once', ...desk, '--into', join(folder, 'inbox'), '--from', 'laptop@localhost'], environment)
  await receive.event('ready')
  const [laptop] = as('laptop')
  t.is((await startCli(t, ['send', path, ...laptop, '--to', 'desk@localhost', '--method', 'proxy'], environment).ended).code, 0)
  t.is((await receive.ended).code, 0)
})

test('receive declines what its rules exclude, tells why, and so does send', async (t) => {
  const { folder, as } = await startBox(t)
  const contents = { 'fine.txt': 'fine', 'blocked.txt': 'blocked', 'large.txt': 'x'.repeat(1025), 'program.exe': 'MZ' }
  for (const [name, content] of Object.entries(contents)) await writeFile(join(folder, name), content)
  await writeFile(join(folder, 'list'), `${createHash('sha256').update('blocked').digest('hex')}  blocked.txt\n`)
  const [desk, environment] = as('desk')
  const [rules, into] = [['--name', '*.TXT', '--type', 'text/*', '--file-max', '1KiB', '--hash-required'], join(folder, 'inbox')]
  const blocked = ['--hashes-blocked', join(folder, 'list'), '--total-max', '1MiB', '--sender-max', '1MiB', '--files-max', '4']
  const receive = startCli(t, ['receive', ...desk, '--into', into, '--from', 'laptop@localhost', ...rules, ...blocked], environment)
  await receive.event('ready')

  const [laptop] = as('laptop')
  const paths = Object.keys(contents).map((name) => join(folder, name))
  const told = ['--to', 'desk@localhost', '--type', 'text/plain', '--hash', 'blake2b-512', '--hash', 'sha-256']
  const send = await startCli(t, ['send', ...paths, ...laptop, ...told], environment).ended
  t.is(send.code, 3)
  await Promise.all([receive.event('received'), receive.event('declined', 2), receive.event('failed')])
  receive.child.kill('SIGINT')
  const { stdout, code } = await receive.ended
  t.is(code, 0)
  const facts = stdout.split('\n').flatMap((line) => (line ? [JSON.parse(line) as Record<string, unknown>] : []))
  const refused = facts
    .filter(({ event }) => event === 'declined' || event === 'failed')
    .map((fact) => `${fact['code']}: ${fact['message']}`)
  t.deepEqual(refused.sort(), [
    'ERR_DECLINED: files of this name are not accepted',
    'ERR_DECLINED: this content is not accepted', // By Jingle its hash comes behind it.
    'ERR_FILE_TOO_LARGE: files of at most 1 KiB are accepted',
  ])
  for (const message of refused) t.true(send.stdout.includes(message.replace(/^\w+: /, '')), message)
  t.like(
    facts.find(({ event }) => event === 'received'),
    { path: join(into, 'fine.txt'), verified: 'blake2b-512' },
  )
  t.deepEqual(await readdir(into), ['fine.txt'])
})

/** However late somebody is, a large file goes still. */
const UNDER_WAY = ['--bytestream-rate-max', '1MiB']

test('SIGINT during a transfer ends both sides, and leaves a part at most', async (t) => {
  const { folder, as } = await startBox(t, UNDER_WAY)
  const path = join(folder, 'large.bin')
  await writeFile(path, '')
  await truncate(path, 512 * 1024 * 1024)
  const [desk, environment] = as('desk')
  const receive = startCli(t, ['receive', '--once', ...desk, '--into', join(folder, 'inbox'), '--from', 'laptop@localhost'], environment)
  await receive.event('ready')
  const [laptop] = as('laptop')
  const send = startCli(t, ['send', path, ...laptop, '--to', 'desk@localhost', '--method', 'proxy'], environment)
  await receive.event('opened')
  send.child.kill('SIGINT')
  const [sent, received] = await Promise.all([send.ended, receive.ended])
  t.is(sent.code, 1)
  t.regex(sent.stderr, /^(what has arrived is kept there for a week: the same command again goes on with it\n)?streamhost: cancelled\n$/)
  t.is(received.code, 1)
  t.deepEqual(await storedIn(join(folder, 'inbox')), [])
})

test('SIGINT at the receiver ends both sides too, and leaves a part at most', async (t) => {
  const { folder, as } = await startBox(t, UNDER_WAY)
  const path = join(folder, 'large.bin')
  await writeFile(path, '')
  await truncate(path, 512 * 1024 * 1024)
  const [desk, environment] = as('desk')
  const receive = startCli(t, ['receive', ...desk, '--into', join(folder, 'inbox'), '--from', 'laptop@localhost'], environment)
  await receive.event('ready')
  const [laptop] = as('laptop')
  const send = startCli(t, ['send', path, ...laptop, '--to', 'desk@localhost', '--method', 'proxy'], environment)
  await receive.event('opened')
  receive.child.kill('SIGINT')
  const [sent, received] = await Promise.all([send.ended, receive.ended])
  t.is(received.code, 1)
  t.is(sent.code, 1)
  t.regex(sent.stderr, /^streamhost: desk@localhost\/\S+ has ended the session: cancel; ask them why, and send it again\n$/)
  t.deepEqual(await storedIn(join(folder, 'inbox')), [])
})

test('the exit code tells who is to blame', async (t) => {
  const { folder, as } = await startBox(t)
  const path = join(folder, 'one.bin')
  await writeFile(path, 'one')
  const [laptop, environment] = as('laptop')
  const send = async (args: readonly string[], changed = {}) => {
    const { code, stderr } = await startCli(t, ['send', ...args, ...laptop], { ...environment, ...changed }).ended
    t.is(stderr.trim().split('\n').length, 1, stderr)
    t.regex(stderr, /^streamhost: /)
    return code
  }
  t.is(await send([join(folder, 'absent.bin'), '--to', 'desk@localhost/any']), 1)
  t.is(await send([path]), 2)
  t.is(await send([path, '--to', 'desk@localhost/any'], { STREAMHOST_PASSWORD: 'wrong' }), 3)
  t.is(await send([path, '--to', 'desk@localhost/absent']), 4)
  t.is(await send([path, '--to', 'desk@localhost/any'], { STREAMHOST_SERVICE: 'xmpp://127.0.0.1:1' }), 4)

  const [desk] = as('desk')
  const receive = startCli(t, ['receive', ...desk, '--into', join(folder, 'inbox'), '--from', 'somebody@localhost'], environment)
  const { jid } = await receive.event('ready')
  t.is(await send([path, '--to', String(jid)]), 3)
  t.like(await receive.event('declined'), { code: 'ERR_DECLINED' })
})

test('disco tells what a server offers and what the proxy is', async (t) => {
  const { as } = await startBox(t)
  const [laptop, environment] = as('laptop')
  const people = laptop.filter((argument) => argument !== '--json')
  const items = await startCli(t, ['disco', 'items', 'localhost', ...people], environment).ended
  t.deepEqual([items.code, items.stdout], [0, `${PROXY}\n`])
  const info = await startCli(t, ['disco', 'info', PROXY, ...people], environment).ended
  t.is(info.code, 0)
  t.regex(info.stdout, /^identity {2}proxy\/bytestreams {2}.+$/m)
  t.regex(info.stdout, /^feature {3}http:\/\/jabber\.org\/protocol\/bytestreams$/m)
  const absent = await startCli(t, ['disco', 'info', PROXY, '--node', 'absent', ...people], environment).ended
  t.is(absent.code, 4)
  t.regex(absent.stderr, /^streamhost: proxy\.localhost answered item-not-found.*\n$/)
})

test('a file that exists is not overwritten', async (t) => {
  const { folder, as } = await startBox(t)
  const path = join(folder, 'one.txt')
  await writeFile(path, 'new')
  await mkdir(join(folder, 'inbox'))
  await writeFile(join(folder, 'inbox', 'one.txt'), 'old')
  const [desk, environment] = as('desk')
  const receive = startCli(t, ['receive', '--once', ...desk, '--into', join(folder, 'inbox'), '--from', 'laptop@localhost'], environment)
  await receive.event('ready')
  const [laptop] = as('laptop')
  t.is((await startCli(t, ['send', path, ...laptop, '--to', 'desk@localhost', '--method', 'proxy'], environment).ended).code, 0)
  t.like(await receive.event('received'), { path: join(folder, 'inbox', 'one (1).txt') })
  t.is(await readFile(join(folder, 'inbox', 'one.txt'), 'utf8'), 'old')
})
