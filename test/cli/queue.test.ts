import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { run } from '../../src/cli/program.ts'
import { FileQueue, type Transfer } from '../../src/transfer/index.ts'
import { startBox } from '../helpers/box.ts'
import { startCli } from '../helpers/cli.ts'
import { TestTerminal } from '../helpers/terminal.ts'
import { filesIn, makeFile, makeFolder, moved } from '../helpers/transfers.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

const MIB = 1024 * 1024

async function call(args: readonly string[], columns?: number) {
  const [stdout, stderr] = [new TestTerminal(columns), new TestTerminal()]
  const streams = { stdout, stderr }
  const environment = { NO_COLOR: '1' }
  const code = await run(args, { streams, environment, signal: new AbortController().signal, onHangUp: () => {}, onExit: () => {} })
  const facts = () =>
    stdout.written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { code, stdout: stdout.written, stderr: stderr.written, facts }
}

test('paths of a list are told as people would write them, and to programs whole', async (t) => {
  const path = join(await makeFolder(t), 'outbox.queue')
  const queue = await FileQueue.open(path)
  const file = { path: 'package.json', to: 'desk@example.org' }
  const { added } = await queue.add([file])
  const list = ['queue', 'list', '--queue', path]
  t.is((await call(list)).stdout.split('\n')[0], `waiting   ${added[0]?.id}  0  package.json to desk@example.org`)
  t.like((await call([...list, '--json'])).facts(), [{ path: join(process.cwd(), 'package.json') }])
})

test('a queue is listed, held back, changed and taken apart without an account', async (t) => {
  const path = join(await makeFolder(t), 'outbox.queue')
  const queue = await FileQueue.open(path)
  const { added } = await queue.add([
    { path: '/shelf/me/one two three four five.bin', to: 'desk@example.org' },
    { path: '/shelf/me/b', to: 'desk@example.org', priority: 12 },
  ])
  const [a, b] = added.map(({ id }) => id) as [string, string]
  const list = await call(['queue', 'list', '--queue', path])
  t.deepEqual(list, { ...list, code: 0, stderr: '' })
  t.deepEqual(list.stdout.split('\n'), [
    `waiting   ${a}   0  /shelf/me/one two three four five.bin to desk@example.org`,
    `waiting   ${b}  12  /shelf/me/b to desk@example.org`,
    '2 waiting; no process works on it',
    '',
  ])
  const narrow = await call(['queue', 'list', '--queue', path], 40)
  t.deepEqual(narrow.stdout.split('\n').slice(0, 3), [
    `waiting   ${a}   0  /shelf/me/one`,
    '  two three four five.bin to',
    '  desk@example.org',
  ])
  t.deepEqual(
    (await call(['queue', 'pause', a.slice(0, 4), '--queue', path])).stdout,
    `${a}  ${added[0]?.path} to desk@example.org: paused\n`,
  )
  t.is(
    (await call(['queue', 'pause', a, '--queue', path])).stdout,
    `${a}  ${added[0]?.path} to desk@example.org: left alone: it is paused\n`,
  )
  t.is((await call(['queue', 'priority', '-7', a, b, '--queue', path])).code, 0)
  t.like((await call(['queue', 'cancel', b, '--queue', path, '--json'])).facts(), [
    { event: 'entry', id: b, state: 'cancelled', isChanged: true },
  ])
  t.like((await call(['queue', 'list', '--queue', path, '--json'])).facts(), [
    { event: 'entry', id: a, state: 'paused', priority: -7 },
    { event: 'entry', id: b, state: 'cancelled' },
    { event: 'queue', path, paused: 1, cancelled: 1 },
  ])
  t.is((await call(['queue', 'retry', '--all', '--queue', path])).stdout, `${b}  /shelf/me/b to desk@example.org: queued again\n`)
  t.is((await call(['queue', 'resume', '--all', '--queue', path])).code, 0)
  t.is((await call(['queue', 'resume', '--all', '--queue', path])).stdout, `nothing in ${path} is to be resumed\n`)
  await queue.refresh()
  t.deepEqual(
    queue.entries.map(({ state }) => state),
    ['waiting', 'waiting'],
  )
})

for (const [what, args, code, message] of [
  ['no queue', ['list'], 2, '--queue is missing: expected FILE, the file of the queue'],
  ['a queue that is not there', ['list', '--queue', '/nowhere/q'], 1, 'there is no queue /nowhere/q'],
  ['no entries', ['pause', '--queue', 'q'], 2, 'name entries by their ids, or say --all'],
  ['entries and all', ['cancel', 'a', '--all', '--queue', 'q'], 2, 'name entries by their ids, or say --all'],
  ['a priority that is none', ['priority', 'high', '--all', '--queue', 'q'], 2, '"high" is no priority: a whole number is, such as 10'],
] as const) {
  test(`queue with ${what} is one line on stderr, exit code ${code}`, async (t) => {
    t.like(await call(['queue', ...args]), { code, stdout: '', stderr: `streamhost: ${message}\n` })
  })
}

test('send without files and without a queue says what it needs, exit code 2', async (t) => {
  t.like(await call(['send', '--to', 'desk@example.org', '--account', 'a@b']), {
    code: 2,
    stderr: 'streamhost: name what to send, or a queue to go on with: --queue FILE\n',
  })
})

test('send --queue sends what was queued, once; a second process leaves its files to the first one, and orders reach that', async (t) => {
  const { folder, as } = await startBox(t)
  const [[desk, environment], [laptop]] = [as('desk'), as('laptop')]
  const queue = join(folder, 'outbox.queue')
  const into = join(folder, 'inbox')
  const [one, two, absent] = [await makeFile(t, 1000, 'one.bin'), await makeFile(t, 2000, 'two.bin'), await makeFile(t, 10, 'absent.bin')]
  const send = (...args: string[]) => startCli(t, ['send', ...args, '--queue', queue, ...laptop], environment)
  const receive = startCli(t, ['receive', ...desk, '--into', into, '--from', 'laptop@localhost'], environment)
  await receive.event('ready')
  // What is held back keeps the first one there.
  await (await FileQueue.open(queue)).add([{ path: one.path, to: 'desk@localhost' }])
  t.is((await call(['queue', 'pause', '--all', '--queue', queue])).code, 0)
  const first = send('--concurrency', '1', '--concurrency-per-peer', '1')
  await first.event('stalled')
  const second = await send(two.path, one.path, '--to', 'desk@localhost', '--priority', '1').ended
  t.is(second.code, 0, second.stderr)
  t.deepEqual(
    second.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ event, path }) => [event, path]),
    [
      ['queued', two.path],
      ['repeated', one.path],
      ['left', queue],
    ],
  )
  const again = await send().ended
  t.is(again.code, 1)
  t.regex(again.stderr, new RegExp(`^streamhost: ${queue} is worked already: process ${first.child.pid} has it since `))
  await first.event('sent')
  t.is((await call(['queue', 'resume', '--all', '--queue', queue])).code, 0)
  const ended = await first.ended
  t.is(ended.code, 0, ended.stderr)
  t.deepEqual(await filesIn(into), ['one.bin', 'two.bin'])
  t.deepEqual(await readFile(join(into, 'one.bin')), one.content)
  t.like(await send(absent.path, '--to', 'desk@localhost/nowhere', '--absent-time-max', '0').ended, { code: 4 })
  const waiting = send(absent.path, '--to', 'desk@localhost/nowhere')
  t.like(await waiting.event('absent'), { to: 'desk@localhost/nowhere', look: 1 })
  waiting.child.kill('SIGINT')
  const cancelled = await waiting.ended
  t.is(cancelled.code, 1)
  t.deepEqual(cancelled.stderr.split('\n'), [
    `desk@localhost/nowhere is waited for, 24 h at the longest, with what is queued for it: desk@localhost/nowhere answered service-unavailable`,
    `1 file stays in ${queue}; "streamhost send --queue ${queue} …" goes on`,
    'streamhost: cancelled',
    '',
  ])
})

test('kill -9 in the middle of a file: started again the queue goes on behind what has arrived, and what was done is not sent again', async (t) => {
  const network = await startNetwork(t, ['laptop', 'desk'])
  const proxy = await network.startProxy(undefined, { rates: { bytestreamBytes: 4 * MIB } })
  const desk = await network.connect('desk')
  const into = await makeFolder(t)
  const receiving = desk.receive({ into, from: ['laptop@localhost'] })
  const [small, large] = [await makeFile(t, 10, 'small.bin'), await makeFile(t, 12 * MIB, 'large.bin')]
  const queue = join(await makeFolder(t), 'outbox.queue')
  const { jid, password, service = '' } = network.account('laptop')
  const environment = { STREAMHOST_PASSWORD: password, STREAMHOST_SERVICE: service }
  const send = (...args: string[]) => startCli(t, ['send', ...args, '--queue', queue, '--account', jid, '--json'], environment)
  const first = send(small.path, large.path, '--to', 'desk@localhost', '--method', 'proxy', '--concurrency', '1')
  const ofLarge = await new Promise<Transfer>((resolve) => {
    receiving.on('transfer', (transfer) => transfer.name === 'large.bin' && resolve(transfer))
  })
  await moved(ofLarge, 2 * MIB)
  first.child.kill('SIGKILL')
  await first.ended
  proxy.streamhost.changeRates({})
  t.like((await call(['queue', 'list', '--queue', queue, '--json'])).facts().at(-1), {
    event: 'queue',
    done: 1,
    running: 1,
    holder: undefined,
  })
  const again = await send().ended
  t.is(again.code, 0, again.stderr)
  const told = again.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const of = (event: string) => told.filter((each) => each.event === event)
  t.true(of('resumed')[0]?.offset > 0, again.stdout)
  t.like(of('sent'), [{ path: large.path, sha256: large.sha256 }])
  t.deepEqual(await filesIn(into), ['large.bin', 'small.bin'])
  t.true(large.content.equals(await readFile(join(into, 'large.bin'))))
  t.like((await call(['queue', 'list', '--queue', queue, '--json'])).facts(), [
    { state: 'done', attempts: 1 },
    { state: 'done', attempts: 2 },
  ])
})
