import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import { PubsubClient } from '../src/pubsub-client/index.ts'
import { buildMessage } from '../src/xep/index.ts'
import { startFeeds } from './helpers/feeds.ts'
import { ourProgram } from './helpers/our-programs.ts'
import { onServer, prosody } from './helpers/server.ts'
import { networkOn, startNetwork } from './helpers/xmpp-network.ts'

/** An example as a process, given what its first line says. */
function run(
  t: ExecutionContext,
  name: string,
  account: { jid: string; password: string; service?: string | undefined },
  args: readonly string[],
) {
  const environment = { ...process.env, STREAMHOST_PASSWORD: account.password, STREAMHOST_SERVICE: account.service }
  const child = spawn(process.execPath, [...ourProgram(`examples/${name}.ts`), account.jid, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return { child, lines: createInterface({ input: child.stdout }) }
}

/** Waits for a line that begins so. */
async function line({ lines, child }: { lines: NodeJS.EventEmitter; child: ChildProcess }, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.on('line', (text: string) => pattern.test(text) && resolve(text))
    child.once('close', (code) => reject(new Error(`ended with ${code} before it said ${pattern}`)))
  })
}

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'streamhost-examples-'))
  t.teardown(() => rm(path, { recursive: true }))
  return path
}

for (const name of readdirSync('examples').filter((file) => file.endsWith('.ts'))) {
  test(`examples/${name} has fewer than 20 lines of code`, (t) => {
    const code = readFileSync(join('examples', name), 'utf8')
      .split('\n')
      .filter((text) => text.trim() !== '' && !text.startsWith('//'))
    t.true(code.length < 20, `${code.length}`)
  })
}

test('the sender sends what the receiver receives', async (t) => {
  const network = await startNetwork(t, ['laptop', 'desk'])
  await network.startProxy()
  const path = await folder(t)
  await writeFile(join(path, 'photo.jpg'), 'not really a photo')

  const receiver = run(t, 'receive-files', network.account('desk'), ['laptop@localhost', join(path, 'inbox')])
  await line(receiver, /is waiting/)
  const sender = run(t, 'send-file', network.account('laptop'), ['desk@localhost', join(path, 'photo.jpg')])
  const [received, sent, [code]] = await Promise.all([line(receiver, /^received /), line(sender, /^sent, /), once(sender.child, 'exit')])
  t.is(received.slice(-64), sent.slice(-64))
  t.is(await readFile(join(path, 'inbox', 'photo.jpg'), 'utf8'), 'not really a photo')
  t.is(code, 0)
})

test('the bot sends the file it is asked for', async (t) => {
  const network = await startNetwork(t, ['bot', 'desk'])
  await network.startProxy()
  const path = await folder(t)
  await mkdir(join(path, 'shelf'))
  await writeFile(join(path, 'shelf', 'manual.txt'), 'Read me first.')

  const bot = run(t, 'file-bot', network.account('bot'), [join(path, 'shelf')])
  await line(bot, /is listening/)
  const desk = await network.connect('desk')
  const receiver = desk.receive({ into: join(path, 'inbox'), from: ['bot@localhost'] })
  const answers: string[] = []
  const arrived = new Promise<void>((resolve) => {
    desk.session.on('message', ({ body }) => {
      answers.push(body)
      if (answers.length === 2) resolve()
    })
  })
  desk.session.send(buildMessage({ to: 'bot@localhost', type: 'chat', body: '../shelf/manual.txt' }))
  desk.session.send(buildMessage({ to: 'bot@localhost', type: 'chat', body: 'manual.txt' }))
  const [transfer] = await once(receiver, 'transfer')
  await transfer.done
  await arrived
  t.deepEqual(answers, ['There is: manual.txt', 'It has arrived.'])
  t.is(await readFile(join(path, 'inbox', 'manual.txt'), 'utf8'), 'Read me first.')
})

test('the bot that receives keeps what it may, and says what became of each', async (t) => {
  const network = await startNetwork(t, ['bot', 'laptop'])
  await network.startProxy()
  const path = await folder(t)
  await writeFile(join(path, 'photo.png'), 'a picture')
  await writeFile(join(path, 'program.exe'), 'none')

  const bot = run(t, 'receive-bot', network.account('bot'), ['laptop@localhost', join(path, 'album')])
  await line(bot, /is listening/)
  const laptop = await network.connect('laptop')
  const said = () => once(laptop.session, 'message').then(([{ body }]) => body as string)
  const thanks = said()
  await laptop.send(join(path, 'photo.png'), { to: 'bot@localhost' }).done
  t.is(await thanks, 'I have photo.png, 9 octets, verified by its sha-256.')
  t.is(await readFile(join(path, 'album', 'photo.png'), 'utf8'), 'a picture')
  const excuse = said()
  await t.throwsAsync(laptop.send(join(path, 'program.exe'), { to: 'bot@localhost' }).done, { code: 'ERR_DECLINED' })
  t.is(await excuse, 'I did not take that: files of this name are not accepted.')
})

test('progress is shown from the first octet to the last', async (t) => {
  const network = await startNetwork(t, ['laptop', 'desk'])
  await network.startProxy()
  const path = await folder(t)
  await writeFile(join(path, 'film.mp4'), Buffer.alloc(3 * 1024 * 1024))
  const desk = await network.connect('desk')
  desk.receive({ into: join(path, 'inbox'), from: ['laptop@localhost'] })
  const sender = run(t, 'progress', network.account('laptop'), ['desk@localhost', join(path, 'film.mp4')])
  const lines: string[] = []
  sender.lines.on('line', (text) => lines.push(text))
  await line(sender, /^100 % in \d+ ms$/)
  t.true(lines.some((text) => text.endsWith(': moving')))
  t.true(lines.some((text) => /^it goes (direct|proxy)/.test(text)))
  t.true(lines.some((text) => /^\d+ %(, \d+ s left)?$/.test(text)))
})

test('several files arrive, and each that does not is named', async (t) => {
  const network = await startNetwork(t, ['laptop', 'desk'])
  await network.startProxy()
  const path = await folder(t)
  await mkdir(join(path, 'outbox', 'a folder'), { recursive: true })
  for (const name of ['one', 'two', 'three']) await writeFile(join(path, 'outbox', name), name)
  const desk = await network.connect('desk')
  desk.receive({ into: join(path, 'inbox'), from: ['laptop@localhost'] })
  const sender = run(t, 'several-files', network.account('laptop'), ['desk@localhost', join(path, 'outbox')])
  const failure = line(sender, /^a folder: .*is not a regular file$/)
  const last = line(sender, /^two: [0-9a-f]{64}$/)
  const [[code]] = await Promise.all([once(sender.child, 'exit'), failure, last])
  t.is(code, 1)
  t.deepEqual(readdirSync(join(path, 'inbox')).sort(), ['one', 'three', 'two'])
})

test('a queue sends its files, the first one first, and those that do not arrive are named', async (t) => {
  const network = await startNetwork(t, ['laptop', 'desk'])
  await network.startProxy()
  const path = await folder(t)
  const files = ['one', 'two'].map((name) => join(path, name))
  for (const file of files) await writeFile(file, 'content')
  const desk = await network.connect('desk')
  desk.receive({ into: join(path, 'inbox'), from: ['laptop@localhost'] })
  const queue = run(t, 'queue', network.account('laptop'), ['desk@localhost', join(path, 'outbox.queue'), ...files, join(path, 'none')])
  const lines: string[] = []
  queue.lines.on('line', (text) => lines.push(text))
  const [[code]] = await Promise.all([once(queue.child, 'exit'), line(queue, /none: .*cannot be read/)])
  t.is(code, 1)
  t.true(lines.indexOf(`${files[0]}: done`) < lines.indexOf(`${files[1]}: done`))
  t.deepEqual(readdirSync(join(path, 'inbox')).sort(), ['one', 'two'])
})

test('every screen of a wall shows the newest picture of the feed, and none once it is withdrawn', async (t) => {
  const names = ['wall1', 'wall2', 'wall3']
  const network = await startFeeds(t, ['camera', ...names])
  const [path, { feeds, pubsub }] = [await folder(t), await network.join('camera')]
  await pubsub.create('pictures')
  const screens = names.map((name) => run(t, 'newest-picture', network.account(name), ['pictures', join(path, name), '0']))
  const addresses = await Promise.all(screens.map((screen) => line(screen, /^the screen is at /)))
  const looks = addresses.map((address) => `http://127.0.0.1:${/port: (\d+)/.exec(address)?.[1]}/`)
  const look = async (url: string) => {
    const answer = await fetch(url)
    return { type: answer.headers.get('content-type'), content: await answer.text() }
  }
  const lookAll = () => Promise.all(looks.map(look))
  const all = (type: string, content: string) => names.map(() => ({ type, content }))
  t.deepEqual(await lookAll(), all('text/plain', 'no picture yet'))

  const offers = []
  for (const name of ['first', 'second']) {
    await writeFile(join(path, `${name}.png`), name)
    const shown = screens.map((screen) => line(screen, new RegExp(`^fetched: .*${name}\\.png$`)))
    offers.push(await feeds.offer('pictures', join(path, `${name}.png`), { mimeType: 'image/png' }))
    await Promise.all(shown)
    t.deepEqual(await lookAll(), all('image/png', name))
  }
  await writeFile(join(path, 'page.html'), '<p>no picture</p>')
  await feeds.offer('pictures', join(path, 'page.html'), { mimeType: 'text/html' })
  const taken = screens.map((screen) => line(screen, /^withdrawn: the screen shows nothing$/))
  await Promise.all(offers.map((offer) => offer.withdraw()))
  await Promise.all(taken)
  t.deepEqual(await lookAll(), all('text/plain', 'no picture yet'))
})

onServer(prosody, 'the example of publish-subscribe', { accounts: ['laptop'], ownPubsub: 'pubsub.localhost' }, (serverTest) => {
  serverTest('what is published to a node is told to whoever follows it', async (t, server) => {
    const network = networkOn(t, server)
    await (await PubsubClient.find(await network.logIn('laptop'))).create('news')
    const example = run(t, 'pubsub', network.account('laptop'), ['news', 'It is <done>'])
    const [[code]] = await Promise.all([once(example.child, 'exit'), line(example, /: It is <done>$/)])
    t.is(code, 0)
  })
})
