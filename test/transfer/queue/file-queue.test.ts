// Goal: what is in a queue is sent once, whatever happens to the process that works it, and orders are heard at once.
// Method: the embedded server and two accounts; other processes are other objects on the same file, those that are killed are processes.

import { once } from 'node:events'
import { appendFile, lstat, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { FileQueue, type QueueEntry, type Transfer, type TransferClient } from '../../../src/transfer/index.ts'
import { startCutLine } from '../../helpers/cut-line.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { filesIn, makeFile, makeFolder } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

const to = 'receiver@localhost'

interface Scene {
  readonly sender: TransferClient
  readonly into: string
  readonly path: string
  readonly queue: FileQueue
  /** The same as another process would see it. */
  another(): Promise<FileQueue>
}

async function startScene(t: ExecutionContext, { concurrency = 4 } = {}): Promise<Scene> {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const [receiver, sender] = [await network.connect('receiver'), await network.connect('sender', { concurrency })]
  const into = await makeFolder(t)
  receiver.receive({ into, from: ['sender@localhost'] })
  const path = join(await makeFolder(t), 'outbox.queue')
  return { sender, into, path, queue: await FileQueue.open(path), another: () => FileQueue.open(path) }
}

const statesOf = (entries: readonly QueueEntry[]) => entries.map(({ state }) => state)

test('files are queued by their absolute paths, once each, for the owner alone; the same to somebody else is another', async (t) => {
  const { path, queue, another } = await startScene(t)
  t.false(queue.exists)
  const file = { path: 'package.json', to: 'Receiver@localhost' }
  const { added, repeated } = await queue.add([file, file, { ...file, to: 'other@localhost', priority: 3 }])
  t.is(repeated.length, 1)
  t.like(added, [
    { path: join(process.cwd(), 'package.json'), to, priority: 0, state: 'waiting' },
    { to: 'other@localhost', priority: 3 },
  ])
  t.is((await stat(path)).mode & 0o777, 0o600)
  const same = await another()
  t.deepEqual(same.entries, queue.entries)
  t.deepEqual((await same.add([file])).repeated, [added[0]])
  await t.throwsAsync(same.add([{ path: 'a', to: '@' }]), { code: 'ERR_JID_MALFORMED' })
  const many = Array.from({ length: 9_999 }, (_, at) => ({ path: `/${at}`, to }))
  await t.throwsAsync(same.add(many), {
    code: 'ERR_LIMIT_WAITING',
    message: `${path} would have more than 10000 files that are still to be sent`,
  })
  t.is(same.entries.length, 2)
})

test('of two that add the same file in the same moment, both are told the id that is in the list', async (t) => {
  const path = join(await makeFolder(t), 'q')
  const queues = [await FileQueue.open(path), await FileQueue.open(path)]
  for (let turn = 0; turn < 20; turn++) {
    const told = await Promise.all(queues.map((queue) => queue.add([{ path: `/${turn}`, to }])))
    const list = (await FileQueue.open(path)).entries.filter((entry) => entry.path === `/${turn}`)
    t.is(list.length, 1)
    for (const { added, repeated } of told) t.deepEqual([...added, ...repeated], list)
    t.is(told.flatMap(({ added }) => added).length, 1)
  }
})

test('what is queued is sent until nothing is left, also what others add meanwhile; each entry tells what came of it', async (t) => {
  const { sender, into, queue, another } = await startScene(t)
  const [one, two] = [await makeFile(t, 1000, 'one.bin'), await makeFile(t, 2000, 'two.bin')]
  const missing = join(dirname(one.path), 'missing.bin')
  await queue.add([
    { path: one.path, to },
    { path: missing, to },
  ])
  sender.pause()
  const handed = once(queue, 'transfer')
  const working = queue.work(sender)
  await handed
  await (await another()).add([{ path: two.path, to }])
  sender.resume()
  await working
  t.deepEqual(await filesIn(into), ['one.bin', 'two.bin'])
  t.like(queue.entries, [
    { state: 'done', size: 1000, sha256: one.sha256, attempts: 1 },
    { state: 'failed', error: { code: 'ERR_FILE' } },
    { state: 'done', size: 2000, sha256: two.sha256 },
  ])
  t.deepEqual((await another()).entries, queue.entries)
  t.is(await queue.holder(), undefined)
  await queue.order('retry', [queue.entries[1]?.id as string])
  await queue.work(sender)
  t.deepEqual(statesOf(queue.entries), ['done', 'failed', 'done'])
  t.is(queue.entries[1]?.attempts, 2)
  t.deepEqual(await filesIn(into), ['one.bin', 'two.bin'], 'what was done is not sent again')
})

test('orders of another process are heard: paused, of another priority, resumed, cancelled and queued again', async (t) => {
  const { sender, into, queue, another } = await startScene(t, { concurrency: 1 })
  sender.pause()
  const names = ['a.bin', 'b.bin', 'c.bin', 'd.bin']
  const files = await Promise.all(names.map((name) => makeFile(t, 1000, name)))
  const { added } = await queue.add(files.map(({ path }) => ({ path, to })))
  const [a, b, c, d] = added.map(({ id }) => id) as [string, string, string, string]
  const transfers = new Map<string, Transfer>()
  queue.on('transfer', (transfer, { id }) => transfers.set(id, transfer))
  const handed = once(queue, 'transfer')
  const working = queue.work(sender)
  await handed
  const other = await another()
  const heard = async (what: (entry: QueueEntry) => boolean) => {
    for (;;) {
      if (queue.entries.some(what)) return
      await once(queue, 'entry')
    }
  }
  t.like(await other.order('pause', [a]), [{ id: a, state: 'paused' }])
  t.like(await other.setPriority(5, [d]), [{ id: d, priority: 5 }])
  t.like(await other.order('cancel', [b]), [{ id: b, state: 'cancelled' }])
  t.deepEqual(await other.order('resume', [b]), [])
  await heard(({ id, state }) => id === b && state === 'cancelled')
  t.is(transfers.get(a)?.isPaused, true)
  t.is(transfers.get(d)?.priority, 5)
  await t.throwsAsync(async () => transfers.get(b)?.done, { code: 'ERR_ABORTED' })
  const stalled = once(queue, 'stalled')
  sender.resume()
  const [{ paused }] = (await stalled) as [{ paused: number }]
  t.is(paused, 1)
  t.deepEqual(statesOf(queue.entries), ['paused', 'cancelled', 'done', 'done'])
  await other.refresh()
  const endOf = (id: string) => other.get(id)?.endedAt as string
  t.true(endOf(d) <= endOf(c), 'the higher priority was first')
  await other.order('retry', [b])
  await heard(({ id, state }) => id === b && state === 'done')
  await other.order('resume', [a])
  await working
  t.deepEqual(statesOf(queue.entries), ['done', 'done', 'done', 'done'])
  t.deepEqual(await filesIn(into), names)
})

test('the file of a queue that is worked is written anew when most of it has passed; what runs runs on, orders are still heard', async (t) => {
  const { sender, path, into, queue, another } = await startScene(t)
  const { path: file } = await makeFile(t, 10, 'file.bin')
  sender.pause()
  const { added } = await queue.add([{ path: file, to }])
  const id = added[0]?.id as string
  const handed = once(queue, 'transfer')
  const working = queue.work(sender)
  await handed
  const other = await another()
  const { ino } = await stat(path)
  const hasPriority = async (priority: number) => {
    while (queue.get(id)?.priority !== priority) await once(queue, 'entry')
  }
  for (let priority = 1; priority <= 2; priority++) await other.setPriority(priority, Array<string>(10_000).fill(id))
  await hasPriority(2)
  await queue.refresh()
  const { size, ino: now } = await stat(path)
  t.true(size < 1_000_000 && now !== ino)
  await other.setPriority(3, [id])
  await hasPriority(3)
  t.deepEqual((await another()).entries, queue.entries)
  sender.resume()
  await working
  t.like(queue.entries, [{ id, state: 'done', attempts: 1, priority: 3 }])
  t.deepEqual(await filesIn(into), ['file.bin'])
})

test('one process works a queue at a time, and what is added to one that is worked is sent by it', async (t) => {
  const { sender, queue, another } = await startScene(t)
  const { path } = await makeFile(t, 10)
  sender.pause()
  await queue.add([{ path, to }])
  const handed = once(queue, 'transfer')
  const working = queue.work(sender)
  await handed
  const other = await another()
  t.is((await other.holder())?.pid, process.pid)
  await t.throwsAsync(other.work(sender), {
    code: 'ERR_FILE',
    message: new RegExp(`is worked already: process ${process.pid} has it since`),
  })
  sender.resume()
  await working
})

test('whose queue somebody else has taken over stops, and leaves what is not sent to them', async (t) => {
  const { sender, path } = await startScene(t)
  const file = await makeFile(t, 10)
  const clock = new FakeClock()
  const queue = await FileQueue.open(path, { clock })
  await queue.add([{ path: file.path, to }])
  sender.pause()
  const handed = once(queue, 'transfer')
  const working = queue.work(sender)
  await handed
  const [hold = ''] = (await readdir(dirname(path))).filter((name) => name.endsWith('.hold'))
  await rm(join(dirname(path), hold))
  clock.advance(60_000)
  await t.throwsAsync(working, { code: 'ERR_FILE', message: /was taken away: the queue is somebody else's now$/ })
  t.deepEqual(statesOf(queue.entries), ['waiting'])
})

test('stopped by a signal, or by the end of the session, what was not sent stays in the queue, and is sent the next time', async (t) => {
  const { sender, into, queue, path } = await startScene(t)
  const file = await makeFile(t, 10)
  const stopping = new AbortController()
  await queue.add([{ path: file.path, to }])
  sender.pause()
  queue.once('transfer', () => stopping.abort())
  await t.throwsAsync(queue.work(sender, { signal: stopping.signal }), { code: 'ERR_ABORTED' })
  t.deepEqual(statesOf(queue.entries), ['waiting'])
  await t.throwsAsync(queue.work(sender, { signal: stopping.signal }), { code: 'ERR_ABORTED' })
  t.deepEqual(await readdir(dirname(path)), ['outbox.queue'])
  sender.resume()
  await queue.work(sender)
  t.deepEqual(statesOf(queue.entries), ['done'])
  t.deepEqual(await filesIn(into), ['file.bin'])
  const { added } = await queue.add([{ path: file.path, to }])
  sender.pause()
  queue.once('transfer', () => void sender.session.stop())
  await t.throwsAsync(queue.work(sender), { code: 'ERR_SESSION_CLOSED' })
  t.is(queue.get(added[0]?.id as string)?.state, 'waiting')
})

test('a receiver that is not there is waited for, while others get theirs, and gets its files when it shows up', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver', 'late'])
  const [receiver, sender] = [await network.connect('receiver'), await network.connect('sender', { concurrency: 1 })]
  const into = await makeFolder(t)
  const from = ['sender@localhost']
  receiver.receive({ into, from })
  const queue = await FileQueue.open(join(await makeFolder(t), 'outbox.queue'))
  const names = ['a.bin', 'b.bin', 'c.bin']
  const [a, b, c] = [await makeFile(t, 1000, 'a.bin'), await makeFile(t, 1000, 'b.bin'), await makeFile(t, 1000, 'c.bin')]
  const late = 'late@localhost/device'
  await queue.add([
    { path: a.path, to: late, priority: 2 },
    { path: b.path, to: late, priority: 1 },
    { path: c.path, to },
  ])
  const absent = once(queue, 'absent')
  const others = new Promise<void>((resolve) => {
    queue.on('entry', ({ path, state }) => path === c.path && state === 'done' && resolve())
  })
  const working = queue.work(sender)
  const [facts] = await absent
  t.like(facts, { to: late, look: 1, error: { code: 'ERR_STANZA' } })
  await others
  t.deepEqual(statesOf(queue.entries), ['waiting', 'waiting', 'done'])
  t.deepEqual(
    queue.entries.map(({ attempts }) => attempts),
    [1, 0, 1],
    'what would go to nobody, too, was not even tried',
  )
  t.is(queue.entries[0]?.error?.code, 'ERR_STANZA')
  const device = await network.connect('late', { jid: late })
  device.receive({ into, from })
  await working
  t.deepEqual(statesOf(queue.entries), ['done', 'done', 'done'])
  t.is(queue.entries[0]?.error, undefined)
  t.deepEqual(await filesIn(into), names)
})

test('with absentMsMax 0 what is queued for a receiver that is not there fails at once', async (t) => {
  const { sender, queue } = await startScene(t)
  const { path } = await makeFile(t, 10)
  await queue.add([{ path, to: 'receiver@localhost/nowhere' }])
  queue.on('absent', () => t.fail())
  await queue.work(sender, { absentMsMax: 0 })
  t.like(queue.entries, [{ state: 'failed', error: { code: 'ERR_STANZA' } }])
})

test('an account that is offline for longer than files are tried again loses none of them: they go on once it is back', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const receiver = await network.connect('receiver')
  const { hostname: host, port } = new URL(network.account('sender').service as string)
  const line = await startCutLine(t)
  line.to = { host, port: Number(port) }
  const sender = await network.connect('sender', { reconnect: true, service: `xmpp://${line.host}:${line.port}` })
  const into = await makeFolder(t)
  receiver.receive({ into, from: ['sender@localhost'] })
  const queue = await FileQueue.open(join(await makeFolder(t), 'outbox.queue'))
  const names = ['a.bin', 'b.bin']
  const files = await Promise.all(names.map((name) => makeFile(t, 1000, name)))
  await queue.add(files.map(({ path }) => ({ path, to: receiver.jid, options: { retry: { forMs: 1 } } })))
  const given = new Promise<void>((resolve) => {
    let failed = 0
    queue.on('transfer', (transfer) => {
      transfer.once('failed', ({ code }) => {
        t.is(code, 'ERR_SESSION_CLOSED')
        failed += 1
        if (failed === 2) resolve()
      })
    })
  })
  queue.once('transfer', () => {
    line.to = undefined
    line.cut()
  })
  const offline = once(sender.session, 'offline')
  const working = queue.work(sender)
  await offline
  await given
  while (queue.entries.some(({ state }) => state === 'running')) await once(queue, 'entry')
  t.deepEqual(statesOf(queue.entries), ['waiting', 'waiting'])
  line.to = { host, port: Number(port) }
  await working
  t.deepEqual(statesOf(queue.entries), ['done', 'done'])
  t.deepEqual(await filesIn(into), names)
})

test('an entry is found by the beginning of its id, as long as that is clear', async (t) => {
  const { queue } = await startScene(t)
  const { added } = await queue.add([{ path: '/a', to }])
  const [{ id }] = added as [QueueEntry]
  t.is(queue.find(id.slice(0, 2)).id, id)
  t.throws(() => queue.find('0'), { code: 'ERR_ITEM_NOT_FOUND', message: /^no entry begins with 0 in / })
  await queue.add([{ path: '/b', to }])
  t.throws(() => queue.find(''), { code: 'ERR_ITEM_NOT_FOUND', message: /^several entries begin/ })
})

test('a line that is wrong is told by its number, and the file is left as it is', async (t) => {
  const { queue, another, path, sender } = await startScene(t)
  await queue.add([{ path: '/a', to }])
  await appendFile(path, '{"op":"fly"}\n')
  const content = await readFile(path, 'utf8')
  await t.throwsAsync(another(), { code: 'ERR_FILE', message: new RegExp(`^${path}, line 3: op is not what it should be`) })
  await t.throwsAsync(queue.work(sender), { code: 'ERR_FILE', message: /line 3/ })
  t.is(await readFile(path, 'utf8'), content)
})

test('a queue behind a symbolic link is worked where it is; the link stays, and what a kill has left beside the queue does not', async (t) => {
  const { sender, into, path } = await startScene(t)
  const link = join(await makeFolder(t), 'link')
  await symlink(path, link)
  const queue = await FileQueue.open(link)
  const file = await makeFile(t, 10, 'one.bin')
  await queue.add([{ path: file.path, to }])
  await writeFile(`${queue.path}.0123456789ab.tmp`, '')
  const direct = await FileQueue.open(path)
  queue.once('transfer', async () => t.is((await direct.holder())?.pid, process.pid))
  await queue.work(sender)
  t.true((await lstat(link)).isSymbolicLink())
  t.deepEqual(await filesIn(into), ['one.bin'])
  t.deepEqual(await readdir(dirname(path)), ['outbox.queue'])
  await direct.refresh()
  t.deepEqual(statesOf(direct.entries), ['done'])
})

test('a receiver that was given up is waited for again for what is queued later in the same run', async (t) => {
  const { sender, path, another } = await startScene(t)
  const clock = new FakeClock()
  const queue = await FileQueue.open(path, { clock })
  const nowhere = 'receiver@localhost/nowhere'
  const { added } = await queue.add(
    (await Promise.all(['a', 'b', 'held'].map((name) => makeFile(t, 10, name)))).map((file) => ({ path: file.path, to: nowhere })),
  )
  const [a, b, held] = added.map(({ id }) => id) as [string, string, string]
  await queue.order('pause', [b, held])
  const looks: number[] = []
  const failed = new Promise<void>((resolve) => {
    queue.on('entry', ({ id, state }) => id === a && state === 'failed' && resolve())
  })
  const stopping = new AbortController()
  const again = new Promise<void>((resolve) => {
    queue.on('absent', ({ look, retryMs }) => {
      looks.push(look)
      if (looks.length > 1) resolve()
      else setImmediate(() => clock.advance(retryMs))
    })
  })
  const working = queue.work(sender, { absentMsMax: 1_000, signal: stopping.signal })
  await failed
  clock.advance(1)
  await (await another()).order('resume', [b])
  await again
  t.deepEqual(looks, [1, 1])
  stopping.abort()
  await t.throwsAsync(working, { code: 'ERR_ABORTED' })
})
