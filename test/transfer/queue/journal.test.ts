// Goal: what was appended is never lost and never half there, whoever writes when.
// Method: real files; several journals of one file stand for several processes.

import { appendFile, mkdir, readdir, readFile, realpath, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Journal, locate } from '../../../src/transfer/queue/journal.ts'
import type { QueueRecord } from '../../../src/transfer/queue/records.ts'
import { makeFolder } from '../../helpers/transfers.ts'

const recordOf = (id: string): QueueRecord => ({ op: 'begin', id, at: '2026-11-21T20:00:00.000Z' })
const idsOf = (read: { records: readonly QueueRecord[] } | undefined) => read?.records.map((record) => 'id' in record && record.id)

test('several append at once, the first of them makes the file, for its owner alone; each reads what is new to it', async (t) => {
  const folder = await makeFolder(t)
  const path = join(folder, 'q')
  const journals = Array.from({ length: 4 }, () => new Journal(path))
  t.is(await journals[0]?.read(), undefined)
  const ids = Array.from({ length: 40 }, (_, at) => `r${at}`)
  await Promise.all(ids.map((id, at) => journals[at % 4]?.append([recordOf(id)])))
  t.is((await stat(path)).mode & 0o777, 0o600)
  t.deepEqual(await readdir(folder), ['q'])
  const [one] = journals as [Journal]
  t.deepEqual(idsOf(await one.read())?.toSorted(), ids.toSorted())
  await journals[1]?.append([recordOf('late')])
  t.deepEqual(await one.read(), { isNew: false, records: [recordOf('late')] })
  t.deepEqual(await one.read(), { isNew: false, records: [] })
})

test('a last line without its end is not read, and the next one to append begins behind it', async (t) => {
  const path = join(await makeFolder(t), 'q')
  const journal = new Journal(path)
  await journal.append([recordOf('a')])
  await appendFile(path, '{"op":"begin","id":"to')
  t.deepEqual(idsOf(await journal.read()), ['a'])
  await new Journal(path).append([recordOf('b')])
  t.deepEqual(idsOf(await journal.read()), ['b'])
  t.deepEqual(idsOf(await new Journal(path).read()), ['a', 'b'])
})

test('written anew it has what it was given, what was appended to the old file meanwhile, and nothing half', async (t) => {
  const folder = await makeFolder(t)
  const path = join(folder, 'q')
  const [worker, other] = [new Journal(path), new Journal(path)]
  await worker.append([recordOf('a'), recordOf('b')])
  await worker.read()
  await other.append([recordOf('late')])
  await appendFile(path, '{"op":"begin","id":"to')
  await worker.rewrite([recordOf('a')])
  t.deepEqual(idsOf(await worker.read()), ['late'])
  await worker.append([recordOf('c')])
  t.deepEqual(idsOf(await worker.read()), ['c'])
  t.deepEqual(await other.read(), { isNew: true, records: ['a', 'late', 'c'].map(recordOf) })
  t.deepEqual(await readdir(folder), ['q'])
})

test('appending while it is written anew loses nothing, a hundred times', async (t) => {
  const path = join(await makeFolder(t), 'q')
  const [worker, other] = [new Journal(path), new Journal(path)]
  await other.append([recordOf('first')])
  const known = new Set<string>()
  const take = async () => {
    const read = await worker.read()
    for (const id of idsOf(read) ?? []) if (id) known.add(id)
  }
  for (let at = 0; at < 100; at++) {
    await take()
    await Promise.all([worker.rewrite([...known].map(recordOf)), other.append([recordOf(`r${at}`)])])
  }
  await take()
  t.is(known.size, 101)
})

test('a file of which most has passed is written anew, beyond 1 MiB, and others that append lose nothing', async (t) => {
  const path = join(await makeFolder(t), 'q')
  const [worker, other] = [new Journal(path), new Journal(path)]
  const many = (count: number) => Array.from({ length: count }, (_, at) => recordOf(`r${at}`))
  await worker.append(many(15_000))
  await worker.read()
  const { size, ino } = await stat(path)
  t.true(size < 1_048_576)
  await worker.tidy(() => [])
  t.is((await stat(path)).ino, ino, 'it is small')
  await worker.append(many(15_000))
  await worker.read()
  await worker.tidy(() => many(15_000))
  t.is((await stat(path)).ino, ino, 'half of it is of use')
  await worker.append(many(60_000))
  await worker.read()
  await Promise.all([worker.tidy(() => [recordOf('a')]), other.append([recordOf('b')]), worker.append([recordOf('c')])])
  t.true((await stat(path)).size < 1_000)
  await worker.append([recordOf('d')])
  t.deepEqual(new Set(idsOf(await new Journal(path).read())), new Set(['a', 'b', 'c', 'd']))
})

test('a file is never made so large that it could not be read', async (t) => {
  const path = join(await makeFolder(t), 'q')
  const journal = new Journal(path)
  await journal.append([recordOf('a')])
  await truncate(path, 268_435_400)
  await t.throwsAsync(journal.append([recordOf('b')]), {
    code: 'ERR_FILE',
    message: /cannot be written: it would have more than 268435456 octets$/,
  })
  t.is((await stat(path)).size, 268_435_400)
})

test('whoever watches is told by the system, and not by looking, also when it has been written anew', async (t) => {
  const path = join(await makeFolder(t), 'q')
  const journal = new Journal(path)
  await journal.append([recordOf('a')])
  await journal.read()
  let listener = () => {}
  const stop = new Journal(path).watch((...looked: unknown[]) => {
    if (looked.length === 0) listener()
  })
  t.teardown(stop)
  for (let turn = 0; turn < 3; turn++) {
    await journal.rewrite([recordOf('a')])
    const other = new Journal(path)
    await other.read()
    const id = `r${turn}`
    const heard = new Promise<void>((resolve) => {
      listener = () => {
        void other.read().then((read) => {
          if (idsOf(read)?.includes(id)) resolve()
        })
      }
    })
    await new Journal(path).append([recordOf(id)])
    await heard
    listener = () => {}
    await journal.read()
  }
  t.pass()
})

test('another file of the same name is read from its start, also where it has the number of the one before', async (t) => {
  const path = join(await makeFolder(t), 'q')
  const journal = new Journal(path)
  await journal.append([recordOf('a')])
  t.deepEqual(idsOf(await journal.read()), ['a'])
  const { ino } = await stat(path)
  for (let at = 0; at < 20; at++) {
    await rm(path)
    await new Journal(path).append([recordOf('b'), recordOf('c')])
    if ((await stat(path)).ino === ino) break // Some file systems never give it again.
  }
  t.deepEqual(await journal.read(), { isNew: true, records: ['b', 'c'].map(recordOf) })
})

test('what cannot be a queue is refused, and left as it is', async (t) => {
  const folder = await makeFolder(t)
  const photo = join(folder, 'photo.jpg')
  await writeFile(photo, 'no line has ended yet, and this is\none')
  await t.throwsAsync(new Journal(photo).read(), { code: 'ERR_FILE', message: `${photo}, line 1: this is no queue` })
  t.is(await readFile(photo, 'utf8'), 'no line has ended yet, and this is\none')
  const note = join(folder, 'note.txt')
  await writeFile(note, 'a line without an end')
  await t.throwsAsync(new Journal(note).read(), { code: 'ERR_FILE', message: `${note}, line 1: this is no queue` })
  await mkdir(join(folder, 'directory'))
  await t.throwsAsync(new Journal(join(folder, 'directory')).read(), {
    code: 'ERR_FILE',
    message: /cannot be read: it is not a regular file$/,
  })
  await t.throwsAsync(new Journal(join(folder, 'none', 'q')).append([recordOf('a')]), {
    code: 'ERR_FILE',
    message: /cannot be written: ENOENT/,
  })
})

test('an empty file becomes a queue with the first record', async (t) => {
  const path = join(await makeFolder(t), 'q')
  await writeFile(path, '')
  const journal = new Journal(path)
  t.deepEqual(idsOf(await journal.read()), [])
  await journal.append([recordOf('a')])
  t.deepEqual(idsOf(await journal.read()), ['a'])
})

test('whoever watches hears of what others append, until it has heard enough', async (t) => {
  const path = join(await makeFolder(t), 'q')
  const journal = new Journal(path)
  await journal.append([recordOf('a')])
  let stop = () => {}
  const heard = new Promise<void>((resolve) => {
    stop = journal.watch(resolve)
  })
  await new Journal(path).append([recordOf('b')])
  await heard
  stop()
  t.deepEqual(idsOf(await journal.read()), ['a', 'b'])
  await rm(path)
})

test('what was left by those who were killed while they wrote it anew is swept away, and nothing else', async (t) => {
  const folder = await makeFolder(t)
  const path = join(folder, 'q')
  const journal = new Journal(path)
  await journal.append([recordOf('a')])
  const others = ['q.0123456789ab.hold', 'q.tmp', 'q.notes.tmp', 'p.0123456789ab.tmp', 'q2.0123456789ab.tmp']
  for (const name of [...others, 'q.0123456789ab.tmp', 'q.ba9876543210.tmp']) await writeFile(join(folder, name), '')
  await journal.sweep()
  t.deepEqual(await readdir(folder), [...others, 'q'].toSorted())
  t.deepEqual(idsOf(await journal.read()), ['a'])
})

test('making the file while others sweep loses nothing, a hundred times', async (t) => {
  const folder = await makeFolder(t)
  for (let turn = 0; turn < 100; turn++) {
    const path = join(folder, `q${turn}`)
    const [one, sweeper] = [new Journal(path), new Journal(path)]
    await Promise.all([one.append([recordOf('a')]), sweeper.sweep(), sweeper.sweep(), sweeper.sweep()])
    t.deepEqual(idsOf(await sweeper.read()), ['a'])
  }
})

test('a queue is where a symbolic link leads, also before there is one, and over several links', async (t) => {
  const folder = await realpath(await makeFolder(t))
  const [target, link, further, loop] = ['target', 'link', 'further', 'loop'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  await symlink('target', link)
  await symlink(link, further)
  await symlink(loop, loop)
  for (const path of [target, link, further]) t.is(await locate(path), target)
  await new Journal(await locate(further)).append([recordOf('a')])
  for (const path of [target, link, further]) t.is(await locate(path), target)
  await t.throwsAsync(locate(loop), { code: 'ERR_FILE', message: /ELOOP/ })
})
