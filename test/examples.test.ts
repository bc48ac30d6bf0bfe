import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import { buildMessage } from '../src/xep/index.ts'
import { startNetwork } from './helpers/xmpp-network.ts'

/** An example as a process, as its first line says it is run. */
function run(
  t: ExecutionContext,
  name: string,
  account: { jid: string; password: string; service?: string | undefined },
  args: readonly string[],
) {
  const environment = { ...process.env, STREAMHOST_PASSWORD: account.password, STREAMHOST_SERVICE: account.service }
  const child = spawn(process.execPath, ['--import=tsx', `examples/${name}.ts`, account.jid, ...args], {
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
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it said ${pattern}`)))
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
  const [received, sent] = await Promise.all([line(receiver, /^received /), line(sender, /^sent, /)])
  t.is(received.slice(-64), sent.slice(-64))
  t.is(await readFile(join(path, 'inbox', 'photo.jpg'), 'utf8'), 'not really a photo')
  const [code] = await once(sender.child, 'exit')
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
