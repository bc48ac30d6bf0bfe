import fs, { existsSync, readdirSync, readFileSync } from 'node:fs'
import { type FileHandle, link, mkdir, readdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Part, PartStore } from '../../../src/transfer/parts/part-store.ts'
import { abandon, leavePart, wantedFile } from '../../helpers/parts.ts'
import { filesIn, makeFolder } from '../../helpers/transfers.ts'

// Goal: a part is found by whoever is sent the same file again, and by nobody else; whatever happens, nothing but parts is touched.
// Method: stores on real folders. A process that is killed is one after whose n-th call to the file system nothing happens any more,
// and whose process id is that of one that is over.

const days = (count: number) => count * 86_400_000

/** Makes a file look so old. */
async function age(path: string, ms: number): Promise<void> {
  const then = new Date(Date.now() - ms)
  await utimes(path, then, then)
}

const partsIn = async (folder: string) => (await readdir(folder)).filter((name) => name.endsWith('.part')).sort()
const pathOfPart = async (folder: string) => join(folder, (await partsIn(folder))[0] as string)

test('what was kept is found by its file, and can be gone on with', async (t) => {
  const folder = await makeFolder(t)
  await leavePart(folder, 'half')
  const store = new PartStore(folder)
  const { part: found } = await store.find(wantedFile())
  t.is(found?.bytes, 4)
  const part = (await store.take(found as NonNullable<typeof found>, wantedFile())) as Part
  t.is(part.offset, 4)
  await part.handle.write('more', 4)
  await part.keep()
  t.is((await store.find(wantedFile())).part?.bytes, 8)
  t.is(readFileSync(await pathOfPart(folder), 'utf8'), 'halfmore')
  t.is((await readdir(folder)).length, 2)
})

test('where there is nothing, nothing is found, and no reason', async (t) => {
  t.deepEqual(await new PartStore(join(await makeFolder(t), 'none')).find(wantedFile()), { reason: undefined })
})

test('a part of another file is not found, and only one that looked like it is worth a reason', async (t) => {
  const folder = await makeFolder(t)
  await leavePart(folder, 'half')
  const store = new PartStore(folder)
  for (const other of [{ from: 'other@example.org' }, { name: 'file' }, { name: 'file.bin.x' }, { folder: 'x' }])
    t.deepEqual(await store.find(wantedFile(other)), { reason: undefined })
  t.deepEqual(await store.find(wantedFile({ modifiedS: 1 })), { reason: 'the file was changed since the part came' })
  t.deepEqual(await store.find(wantedFile({ size: 3 })), { reason: 'the file has another size than the part that is here' })
})

test('of several parts the longest is found', async (t) => {
  const folder = await makeFolder(t)
  for (const octets of [2, 5, 3]) await leavePart(folder, Buffer.alloc(octets))
  t.is((await new PartStore(folder).find(wantedFile())).part?.bytes, 5)
})

test('a part that has every octet lacks its last one: there is always something to send', async (t) => {
  const folder = await makeFolder(t)
  await leavePart(folder, Buffer.alloc(100))
  const store = new PartStore(folder)
  const { part: found } = await store.find(wantedFile())
  t.is(found?.bytes, 99)
  const part = (await store.take(found as NonNullable<typeof found>, wantedFile())) as Part
  t.is(part.offset, 99)
  await part.discard()
  await leavePart(folder, Buffer.alloc(1), { size: 1 })
  t.deepEqual(await store.find(wantedFile({ size: 1 })), { reason: undefined }, 'which is nothing at all')
})

test('a part that is longer than its file, empty, or in use is not found', async (t) => {
  const folder = await makeFolder(t)
  await leavePart(folder, Buffer.alloc(101))
  await leavePart(folder, '')
  const store = new PartStore(folder)
  t.deepEqual(await store.find(wantedFile()), { reason: undefined })
  const part = await store.begin(wantedFile())
  await part.handle.writeFile('half')
  t.deepEqual(await store.find(wantedFile()), { reason: 'the part that is here is in use' })
  await part.keep()
  t.is((await store.find(wantedFile())).part?.bytes, 4)
})

test('what another process has in use is not taken, until that is over', async (t) => {
  const folder = await makeFolder(t)
  await leavePart(folder, 'half')
  const path = `${await pathOfPart(folder)}.json`
  const state = JSON.parse(readFileSync(path, 'utf8')) as { holder: Record<string, unknown> }
  const heldBy = (holder: object) => writeFile(path, JSON.stringify({ ...state, holder: { ...state.holder, ...holder } }))
  const isFound = async () => (await new PartStore(folder).find(wantedFile())).part !== undefined
  const parent = { pid: process.ppid, started: startOf(process.ppid) }
  await heldBy(parent)
  t.false(await isFound())
  await heldBy({ ...parent, started: '1' })
  t.true(await isFound(), 'the number of a process that is over may be that of another')
  await heldBy({ ...parent, boot: 'before' })
  t.true(await isFound(), 'the machine was started anew')
  for (const elsewhere of [{ host: 'other' }, { namespace: 'other' }]) {
    await heldBy(elsewhere)
    t.false(await isFound(), 'nobody can know')
    await age(await pathOfPart(folder), 601_000)
    t.true(await isFound(), 'whoever receives writes')
    await age(await pathOfPart(folder), 0)
  }
  await heldBy({})
  abandon(folder)
  t.true(await isFound())
})

const startOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')[19] as string

test('of many who want a part one gets it', async (t) => {
  const folder = await makeFolder(t)
  await leavePart(folder, 'half')
  const { part: found } = await new PartStore(folder).find(wantedFile())
  const taken = await Promise.all(
    Array.from({ length: 20 }, () => new PartStore(folder).take(found as NonNullable<typeof found>, wantedFile())),
  )
  const parts = taken.filter((each) => each !== undefined)
  t.is(parts.length, 1)
  t.is((await readdir(folder)).length, 2)
  await parts[0]?.discard()
  t.deepEqual(await readdir(folder), [])
})

test('a state that is cut at any octet, or of another kind, is none', async (t) => {
  const folder = await makeFolder(t)
  await leavePart(folder, 'half')
  const path = `${await pathOfPart(folder)}.json`
  const { size } = fs.statSync(path)
  for (let length = size - 1; length >= 0; length -= 17) {
    await truncate(path, length)
    t.deepEqual(await new PartStore(folder).find(wantedFile()), { reason: undefined })
  }
  await writeFile(path, Buffer.alloc(1_000_000, '['))
  t.deepEqual(await new PartStore(folder).find(wantedFile()), { reason: undefined })
  fs.rmSync(path)
  await mkdir(path)
  t.deepEqual(await new PartStore(folder).find(wantedFile()), { reason: undefined })
})

test('what leads elsewhere is neither read, written to nor deleted', async (t) => {
  const folder = await makeFolder(t)
  const elsewhere = join(await makeFolder(t), 'mine')
  await leavePart(folder, 'half')
  const path = await pathOfPart(folder)
  const state = readFileSync(`${path}.json`)
  await writeFile(elsewhere, 'mine')
  fs.rmSync(path)
  await symlink(elsewhere, path)
  const store = new PartStore(folder)
  t.deepEqual(await store.find(wantedFile()), { reason: undefined }, 'a symbolic link in place of the part')
  const found = { path, bytes: 1, hashes: [] }
  t.is(await store.take(found, wantedFile()), undefined, 'the same, when it came in the last moment')
  await writeFile(`${path}.json`, state)
  await link(elsewhere, path)
  t.deepEqual(await store.find(wantedFile()), { reason: undefined }, 'another name of a file')
  t.is(await store.take({ ...found }, wantedFile()), undefined)
  await leavePart(folder, 'half')
  const other = await pathOfPart(folder)
  fs.renameSync(`${other}.json`, join(folder, 'state'))
  await symlink('state', `${other}.json`)
  t.deepEqual(await store.find(wantedFile()), { reason: undefined }, 'a symbolic link in place of the state')
  await store.sweep()
  t.is(readFileSync(elsewhere, 'utf8'), 'mine')
})

test('what is too old, too many or of no use is swept, and nothing else', async (t) => {
  const folder = await makeFolder(t)
  const store = new PartStore(folder)
  const own = [
    '.hidden',
    '.0123456789ab.PART',
    'file.bin.0123456789ab.part',
    '.x.0123456789a.part',
    '.x.0123456789ag.part',
    'x.part',
    '.part',
  ]
  for (const name of own) {
    await writeFile(join(folder, name), 'mine')
    await age(join(folder, name), days(1_000))
  }
  await mkdir(join(folder, '.folder.0123456789ab.part'))
  await leavePart(folder, 'half', { name: 'old' })
  const pathOf = (name: string) =>
    join(folder, readdirSync(folder).find((each) => each.startsWith(`.${name}.`) && each.endsWith('t')) as string)
  await age(pathOf('old'), days(7) + 60_000)
  await leavePart(folder, 'half', { name: 'recent' })
  for (const [name, ms] of [
    ['.0123456789ab.part', days(8)],
    ['.ab0123456789.part', days(6)],
    ['.x.0123456789cd.part', days(8)],
    ['.x.0123456789ef.part.json', days(8)],
  ] as const) {
    await writeFile(join(folder, name), 'of an earlier version, or spoiled')
    await age(join(folder, name), ms)
  }
  await leavePart(folder, 'half', { name: 'state' })
  fs.rmSync(pathOf('state'))
  await leavePart(folder, 'half', { name: 'stored' })
  await link(pathOf('stored'), join(folder, 'stored'))
  const used = await store.begin(wantedFile({ name: 'used' }))
  t.teardown(() => used.discard())
  await age(used.path, days(8))
  await store.sweep()
  const left = (await filesIn(folder)).filter((name) => !own.includes(name)).map((name) => name.replace(/(?<=recent\.|used\.)[^.]+/, 'ID'))
  t.deepEqual(left, [
    '.ab0123456789.part',
    '.folder.0123456789ab.part',
    '.recent.ID.part',
    '.recent.ID.part.json',
    '.used.ID.part',
    '.used.ID.part.json',
    'stored',
  ])
  t.true(own.every((name) => existsSync(join(folder, name))))
})

test('beyond a hundred parts the oldest go', async (t) => {
  const folder = await makeFolder(t)
  for (let index = 0; index < 103; index++) await leavePart(folder, 'half', { name: `file-${index}` })
  for (const name of await partsIn(folder)) await age(join(folder, name), 1_000 * (200 - Number(/\d+/.exec(name)?.[0])))
  await new PartStore(folder).sweep()
  const left = await partsIn(folder)
  t.is(left.length, 100)
  t.false(left.some((name) => /^\.file-[012]\./.test(name)))
  t.is((await readdir(folder)).length, 200)
})

test('an account that leaves many parts loses its own, and nobody else loses theirs', async (t) => {
  const folder = await makeFolder(t)
  const accounts = ['other@example.org', ...Array.from({ length: 104 }, () => 'many@example.org'), 'third@example.org']
  for (const [index, from] of accounts.entries()) await leavePart(folder, 'half', { from, name: `file-${index}` })
  for (const name of await partsIn(folder)) await age(join(folder, name), 1_000 * (200 - Number(/\d+/.exec(name)?.[0])))
  await new PartStore(folder).sweep()
  const left = (await partsIn(folder)).map((name) => Number(/\d+/.exec(name)?.[0])).sort((one, other) => one - other)
  t.deepEqual(left, [0, ...Array.from({ length: 98 }, (_, at) => at + 7), 105])
})

test('of accounts that have left equally many, the one with the oldest part loses that', async (t) => {
  const folder = await makeFolder(t)
  for (let index = 0; index < 102; index++) await leavePart(folder, 'half', { from: `${index % 2}@example.org`, name: `file-${index}` })
  for (const name of await partsIn(folder)) await age(join(folder, name), 1_000 * (200 - Number(/\d+/.exec(name)?.[0])))
  await new PartStore(folder).sweep()
  const left = await partsIn(folder)
  t.is(left.length, 100)
  t.false(left.some((name) => /^\.file-[01]\./.test(name)))
})

/** Lets `run` do so many calls to the file system, of which the next never comes back. @returns whether it was done before */
async function killedAfter(calls: number, run: () => Promise<void>): Promise<boolean> {
  const handle = await fs.promises.open('/dev/null')
  const prototype = Object.getPrototypeOf(handle) as object
  await handle.close()
  let left = calls
  let kill = () => {}
  const killed = new Promise<false>((resolve) => {
    kill = () => resolve(false)
  })
  const restores: (() => void)[] = []
  const handles: FileHandle[] = []
  const guard = (object: object, names: readonly string[]) => {
    for (const name of names) {
      const real = Reflect.get(object, name) as (...args: unknown[]) => unknown
      const own = Object.getOwnPropertyDescriptor(object, name) as PropertyDescriptor
      restores.push(() => Object.defineProperty(object, name, own))
      Object.defineProperty(object, name, {
        ...own,
        value(this: unknown, ...args: unknown[]) {
          if (left-- <= 0) {
            kill()
            return new Promise(() => {})
          }
          const result = Reflect.apply(real, this, args) as Promise<unknown>
          if (name === 'open') result.then((opened) => handles.push(opened as FileHandle)).catch(() => {})
          return result
        },
      })
    }
  }
  await guard(fs.promises, ['open', 'rename', 'rm', 'mkdir', 'lstat', 'readdir'])
  await guard(prototype, ['write', 'writeFile', 'truncate', 'stat'])
  syncBuiltinESMExports()
  try {
    return await Promise.race([run().then(() => true as const), killed])
  } finally {
    for (const restore of restores) restore()
    syncBuiltinESMExports()
    for (const each of handles) await each.close().catch(() => {})
  }
}

test.serial(
  'whenever a process is killed, what it leaves is a part that is right, or none, and nothing stays for good',
  async (t: ExecutionContext) => {
    const content = Buffer.from('0123456789')
    const wanted = wantedFile({ size: content.length })
    const lengths = new Set<number>()
    for (const before of [0, 4]) {
      for (let calls = 0, isDone = false; !isDone; calls++) {
        const folder = await makeFolder(t)
        if (before > 0) await leavePart(folder, content.subarray(0, before), wanted)
        isDone = await killedAfter(calls, async () => {
          const store = new PartStore(folder)
          const { part: found } = await store.find(wanted)
          const part = (found && (await store.take(found, wanted))) ?? (await store.begin(wanted))
          for (let at = part.offset; at < 8; at += 2) await part.handle.write(content, at, 2, at)
          await store.sweep()
        })
        abandon(folder)
        const store = new PartStore(folder)
        const { part: found } = await store.find(wanted)
        const left = found ? readFileSync(found.path) : Buffer.alloc(0)
        lengths.add(left.length)
        t.deepEqual(left, content.subarray(0, left.length))
        t.is(left.length, found?.bytes ?? 0)
        // Half a state tells nothing of whose it is.
        for (const name of await readdir(folder))
          if (!existsSync(join(folder, name.replace('.json', '')))) await age(join(folder, name), days(8))
        await store.sweep()
        const names = await filesIn(folder)
        const parts = names.filter((name) => name.endsWith('.part'))
        t.deepEqual(names, parts.flatMap((name) => [name, `${name}.json`]).sort(), `after ${calls} calls`)
        for (const name of parts) {
          const again = await store.take({ path: join(folder, basename(name)), bytes: 1, hashes: [] }, wanted)
          await again?.discard()
        }
        t.deepEqual(await filesIn(folder), [])
      }
    }
    t.deepEqual([...lengths].sort(), [0, 2, 4, 6, 8])
  },
)
