import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { systemClock } from '../../../src/core/index.ts'
import { describeHolder, holderOf, QueueHold } from '../../../src/transfer/queue/hold.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { makeFolder } from '../../helpers/transfers.ts'

const HOLDING = `
import { QueueHold } from './src/transfer/queue/hold.ts'
import { systemClock } from './src/core/index.ts'
await QueueHold.take(process.argv[1], systemClock)
process.stdout.write('held')
setInterval(() => {}, 1_000)
`

test('a process that works a queue is named to the next one, and one that was killed does not count', async (t) => {
  const queue = join(await makeFolder(t), 'q')
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', HOLDING, queue], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const holder = await holderOf(queue)
  t.like(holder, { pid: child.pid, host: hostname() })
  await t.throwsAsync(QueueHold.take(queue, systemClock), {
    code: 'ERR_FILE',
    message: `${queue} is worked already: process ${child.pid} has it since ${holder?.since}`,
  })
  child.kill('SIGKILL')
  await once(child, 'exit')
  await using _ = await QueueHold.take(queue, systemClock)
  t.like(await holderOf(queue), { pid: process.pid })
})

test('of several that begin at the same time one gets it, and the next one afterwards; nothing stays beside the queue', async (t) => {
  const folder = await makeFolder(t)
  const queue = join(folder, 'q')
  for (let turn = 0; turn < 10; turn++) {
    const taken = await Promise.allSettled(Array.from({ length: 3 }, () => QueueHold.take(queue, systemClock)))
    const holds = taken.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    t.true(holds.length <= 1)
    for (const hold of holds) await hold[Symbol.asyncDispose]()
  }
  await (await QueueHold.take(queue, systemClock))[Symbol.asyncDispose]()
  t.deepEqual(await readdir(folder), [])
})

test('another process with the number of one that has died is another process; one on another machine is believed', async (t) => {
  const folder = await makeFolder(t)
  const queue = join(folder, 'q')
  await using _ = await QueueHold.take(queue, systemClock)
  const [name = ''] = await readdir(folder)
  const own = JSON.parse(await readFile(join(folder, name), 'utf8'))
  const other = join(folder, 'r')
  const fileOf = (digit: string) => `${other}.${own.pid}-${digit.repeat(12)}.hold`
  await writeFile(fileOf('0'), JSON.stringify({ ...own, started: '1' }))
  await writeFile(fileOf('1'), '{"pid":')
  t.is(await holderOf(other), undefined)
  t.deepEqual(await readdir(folder), [name])
  await writeFile(fileOf('2'), JSON.stringify({ ...own, host: 'elsewhere', pid: 999_999_999 }))
  const holder = await holderOf(other)
  t.is(holder && describeHolder(holder), `process 999999999 on elsewhere has it since ${own.since}`)
})

test('one of another machine, or of another container of this one, is believed while it gives signs of life, and ten minutes longer', async (t) => {
  const folder = await makeFolder(t)
  const queue = join(folder, 'q')
  const own = await QueueHold.take(queue, systemClock)
  const [name = ''] = await readdir(folder)
  const file = join(folder, name)
  const written = JSON.parse(await readFile(file, 'utf8'))
  await own[Symbol.asyncDispose]()
  for (const elsewhere of [{ host: 'elsewhere' }, { namespace: 'pid:[1]' }]) {
    const signed = async (agoMs: number) => {
      await writeFile(file, JSON.stringify({ ...written, ...elsewhere }))
      const when = new Date(Date.now() - agoMs)
      await utimes(file, when, when)
    }
    await signed(500_000)
    t.like(await holderOf(queue), { pid: written.pid })
    await signed(610_000)
    await using _ = await QueueHold.take(queue, systemClock)
    t.false((await readdir(folder)).includes(name))
  }
})

test('who works a queue gives a sign of life each minute, until it is over; whose hold was taken away hears of it', async (t) => {
  const folder = await makeFolder(t)
  const clock = new FakeClock()
  const hold = await QueueHold.take(join(folder, 'q'), clock)
  const [name = ''] = await readdir(folder)
  const file = join(folder, name)
  const signed = async () => {
    clock.advance(60_000)
    while (clock.waiting === 0 && !hold.lost.aborted) await new Promise(setImmediate)
  }
  for (let turn = 0; turn < 2; turn++) {
    await utimes(file, 0, 0)
    await signed()
    t.true((await stat(file)).mtimeMs > Date.now() - 60_000)
  }
  await rm(file)
  await signed()
  t.like(hold.lost.reason, { code: 'ERR_FILE', message: `${file} was taken away: the queue is somebody else's now` })
  await hold[Symbol.asyncDispose]()
  const other = await QueueHold.take(join(folder, 'q'), clock)
  await other[Symbol.asyncDispose]()
  t.is(clock.waiting, 0)
})

test('what was left by those who were killed before they held the queue goes with the next holder, and nothing else', async (t) => {
  const folder = await makeFolder(t)
  const queue = join(folder, 'q')
  const others = ['q.12-0123456789ab.txt', 'q.12-0123456789', 'p.12-0123456789ab', 'q.notes']
  for (const name of [...others, 'q.12-0123456789ab', 'q.13-ba9876543210']) await writeFile(join(folder, name), '')
  await (await QueueHold.take(queue, systemClock))[Symbol.asyncDispose]()
  t.deepEqual(await readdir(folder), others.toSorted())
})

test('of several that begin while what is unfinished is swept away, one gets it, and no other hears of anything else', async (t) => {
  const queue = join(await makeFolder(t), 'q')
  for (let turn = 0; turn < 20; turn++) {
    const taken = await Promise.allSettled(Array.from({ length: 4 }, () => QueueHold.take(queue, systemClock)))
    for (const each of taken) {
      if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]()
      else t.regex((each.reason as Error).message, /is worked already/)
    }
  }
})

test('a hold that is there and cannot be read is ERR_FILE, neither taken away nor passed over', async (t) => {
  for (const make of [(path: string) => mkdir(path), (path: string) => symlink(path, path)]) {
    const folder = await makeFolder(t)
    const queue = join(folder, 'q')
    const name = `q.${process.pid}-0123456789ab.hold`
    await make(join(folder, name))
    const refused = { code: 'ERR_FILE', message: /q\.\d+-0123456789ab\.hold cannot be read: (EISDIR|ELOOP)/ }
    await t.throwsAsync(holderOf(queue), refused)
    await t.throwsAsync(QueueHold.take(queue, systemClock), refused)
    t.deepEqual(await readdir(folder), [name], 'nor is a hold of our own left')
  }
})
