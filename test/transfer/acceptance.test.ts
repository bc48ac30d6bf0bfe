import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Acceptance, type AcceptanceInit, type OfferedFile } from '../../src/transfer/acceptance.ts'
import type { FileOffer } from '../../src/transfer/file-rules.ts'
import type { FileSink } from '../../src/transfer/file-sink.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { leavePart } from '../helpers/parts.ts'
import { filesIn, makeFolder } from '../helpers/transfers.ts'

async function setScene(t: ExecutionContext, init: Partial<AcceptanceInit> = {}, room?: () => Promise<number>) {
  const into = await makeFolder(t)
  const clock = new FakeClock()
  const stopping = new AbortController()
  const acceptance = new Acceptance({ clock, ...(room && { room }) }, { into, from: ['sender@example.org'], ...init }, stopping.signal)
  const accept = (facts: Partial<OfferedFile> = {}) =>
    acceptance.accept({
      ...{ from: 'sender@example.org/desk', name: 'file.bin', size: 4, mimeType: undefined, description: undefined, hashes: [] },
      ...facts,
    })
  const opened: FileSink[] = []
  t.teardown(() => Promise.all(opened.map((sink) => sink[Symbol.asyncDispose]())))
  const keep = async (facts?: Partial<OfferedFile>) => {
    const sink = await accept(facts)
    opened.push(sink)
    return sink
  }
  return { acceptance, accept: keep, clock, stopping, into }
}

const other = 'other@example.org/phone'

test('an accepted file has its safe name, and a place to be written to', async (t) => {
  const { accept, into } = await setScene(t)
  const sink = await accept({ name: '../x', size: 4 })
  t.is(sink.name, 'x')
  await sink.write(Buffer.from('full'))
  await sink.store()
  t.deepEqual(await filesIn(into), ['x'])
})

test('only who was named may send: a bare JID is all of its devices, a full one is one', async (t) => {
  const { acceptance, accept } = await setScene(t, { from: ['Sender@EXAMPLE.org', other] })
  await t.notThrowsAsync(accept({ from: 'sender@example.org/any' }))
  await t.notThrowsAsync(accept({ from: other }))
  for (const from of ['other@example.org/laptop', 'other@example.org', 'sender@example.net/any', 'x.sender@example.org/any']) {
    await t.throwsAsync(accept({ from, name: '..' }), { code: 'ERR_DECLINED', message: 'Offer Declined' })
    t.throws(() => acceptance.admitSession(from), { code: 'ERR_DECLINED', message: 'Offer Declined' })
  }
  t.deepEqual(acceptance.senders.all, ['sender@example.org', other])
})

test('a name that cannot be made safe is ERR_FILE_NAME', async (t) => {
  const { accept } = await setScene(t)
  await t.throwsAsync(accept({ name: '..' }), { code: 'ERR_FILE_NAME' })
  t.is((await accept({ name: 'x'.repeat(1_000_000) })).name.length, 200)
})

test('patterns see the name as it would be stored', async (t) => {
  const { accept } = await setScene(t, { names: ['*.txt'] })
  await t.notThrowsAsync(accept({ name: '/etc/notes.txt.' }))
  await t.throwsAsync(accept({ name: 'x.txt/y' }), { code: 'ERR_DECLINED' })
})

test('a content that is blocked leaves no file, whatever its sender said of it', async (t) => {
  const sha256 = createHash('sha256').update('full')
  const { accept, into } = await setScene(t, { sha256Blocked: [sha256.copy().digest('hex')] })
  await t.throwsAsync(accept({ hashes: [{ algo: 'sha-256', value: sha256.copy().digest() }] }), { code: 'ERR_DECLINED' })
  const sink = await accept({ hashes: [{ algo: 'md5', value: createHash('md5').update('full').digest() }] })
  await sink.write(Buffer.from('full'))
  await t.throwsAsync(sink.store(), { code: 'ERR_DECLINED', message: 'this content is not accepted' })
  t.deepEqual(await filesIn(into), [])
})

test('a hash that was announced and does not come is none', async (t) => {
  const { accept, into } = await setScene(t, { hashRequired: true })
  const sink = await accept({ size: 0, hashUsed: ['sha-256'] })
  await t.throwsAsync(sink.store(), { code: 'ERR_INTEGRITY' })
  t.deepEqual(await filesIn(into), [])
})

/** Takes places until there is none, gives one back, and takes it again. */
const bounded = test.macro({
  async exec(t: ExecutionContext, init: Partial<AcceptanceInit>, facts: Partial<OfferedFile>, fitting: number, message: string) {
    const { accept, into } = await setScene(t, init)
    const sinks = await Promise.all(Array.from({ length: fitting }, () => accept(facts)))
    await t.throwsAsync(accept(facts), { code: 'ERR_LIMIT_WAITING', message })
    await sinks[0]?.[Symbol.asyncDispose]()
    await t.notThrowsAsync(accept(facts))
    await t.throwsAsync(accept(facts), { code: 'ERR_LIMIT_WAITING' })
    t.is((await filesIn(into)).length, 2 * fitting, 'each has a part and its state')
  },
  title: (given = '') => `${given}: more are refused for the time being`,
})
test('files at once', bounded, { transfersMax: 3 }, {}, 3, '3 files are being received already')
test('20 files, where nobody says', bounded, {}, { size: 0 }, 20, '20 files are being received already')
test(
  'octets of all files at once',
  bounded,
  { totalBytesMax: 3 * 1024 },
  { size: 1024 },
  3,
  '3 KiB are being received already, of at most 3 KiB',
)
test(
  'octets of one sender at once',
  bounded,
  { senderBytesMax: 2 * 1024 },
  { size: 1024 },
  2,
  '2 KiB of sender@example.org are being received already, of at most 2 KiB',
)

test('a file that is larger than what all may have together never fits', async (t) => {
  for (const init of [{ totalBytesMax: 1024 }, { senderBytesMax: 1024 }, { fileBytesMax: 1024, totalBytesMax: 4096 }]) {
    const { accept } = await setScene(t, init)
    const message = 'files of at most 1 KiB are accepted'
    await t.throwsAsync(accept({ size: 1025 }), { code: 'ERR_FILE_TOO_LARGE', message })
    await t.notThrowsAsync(accept({ size: 1024 }))
  }
})

test('the octets of a sender are those of all its devices, and of no other', async (t) => {
  const { accept } = await setScene(t, { from: ['sender@example.org', 'other@example.org'], senderBytesMax: 1024 })
  await accept({ size: 1024 })
  await t.throwsAsync(accept({ from: 'sender@example.org/phone', size: 1 }), { code: 'ERR_LIMIT_WAITING' })
  await t.notThrowsAsync(accept({ from: other, size: 1024 }))
})

test('of several senders, each has half of the places at the most', async (t) => {
  const { accept } = await setScene(t, { from: ['sender@example.org', 'other@example.org'], transfersMax: 3 })
  await accept()
  await accept()
  await t.throwsAsync(accept(), { code: 'ERR_LIMIT_WAITING' })
  await t.notThrowsAsync(accept({ from: other }))
  await t.throwsAsync(accept({ from: other }), { code: 'ERR_LIMIT_WAITING' }, 'all are taken')
})

test('sessions at once are bounded likewise, and one that is over makes room', async (t) => {
  const { acceptance } = await setScene(t, { from: ['sender@example.org', 'other@example.org'], sessionsMax: 3 })
  const sender = 'sender@example.org/desk'
  const first = acceptance.admitSession(sender)
  acceptance.admitSession(sender)
  t.throws(() => acceptance.admitSession(sender), { code: 'ERR_LIMIT_WAITING', message: '3 sessions are open already' })
  acceptance.admitSession(other)
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  t.notThrows(() => acceptance.admitSession(sender))
  t.throws(() => acceptance.admitSession(sender), { code: 'ERR_LIMIT_WAITING' })
})

test('whoever takes more files at once takes as many sessions, unless it says otherwise', async (t) => {
  const admitted = async (init: Partial<AcceptanceInit>) => {
    const { acceptance } = await setScene(t, init)
    for (let sessions = 0; ; sessions++) {
      try {
        acceptance.admitSession('sender@example.org/desk')
      } catch {
        return sessions
      }
    }
  }
  t.is(await admitted({}), 20)
  t.is(await admitted({ transfersMax: 3 }), 20)
  t.is(await admitted({ transfersMax: 50 }), 50)
  t.is(await admitted({ transfersMax: 50, sessionsMax: 2 }), 2)
})

/** A hook whose questions wait for a verdict. */
function askedHook() {
  const asking = new EventEmitter<{ asked: [decide: (verdict: boolean) => void] }>()
  return { asking, mayAccept: () => new Promise<boolean>((decide) => asking.emit('asked', decide)) }
}

test('a file that is being decided about has its place and its octets already; declined, it has none', async (t) => {
  const { asking, mayAccept } = askedHook()
  const { accept } = await setScene(t, { totalBytesMax: 1024, mayAccept })
  const asked = once(asking, 'asked')
  const first = accept({ size: 1024 })
  await t.throwsAsync(accept({ size: 1 }), { code: 'ERR_LIMIT_WAITING' })
  const [decline] = await asked
  decline(false)
  await t.throwsAsync(first, { code: 'ERR_DECLINED', message: 'Offer Declined' })

  const askedAgain = once(asking, 'asked')
  const second = accept({ size: 1024 })
  const [approve] = await askedAgain
  approve(true)
  t.is((await second).name, 'file.bin')
})

test('a hook that does not decide in time has declined', async (t) => {
  const { asking, mayAccept } = askedHook()
  const { accept, clock } = await setScene(t, { transfersMax: 1, mayAccept })
  const asked = once(asking, 'asked')
  const first = accept()
  await asked
  clock.advance(79_999)
  await t.throwsAsync(accept(), { code: 'ERR_LIMIT_WAITING' })
  clock.advance(1)
  await t.throwsAsync(first, { code: 'ERR_DECLINED', message: 'nobody decided in time' })
})

test('whoever stops accepts nothing more, and waits for no hook', async (t) => {
  const { asking, mayAccept } = askedHook()
  const { acceptance, accept, stopping } = await setScene(t, { mayAccept })
  const asked = once(asking, 'asked')
  const first = accept()
  await asked
  stopping.abort()
  await t.throwsAsync(first)
  await t.throwsAsync(accept(), { code: 'ERR_DECLINED' })
  t.throws(() => acceptance.admitSession('sender@example.org/desk'), { code: 'ERR_DECLINED' })
})

test('a hook that throws has declined, and the place is free', async (t) => {
  let isBroken = true
  const mayAccept = () => {
    if (isBroken) throw new Error('of our own business')
    return true
  }
  const { accept } = await setScene(t, { transfersMax: 1, mayAccept })
  await t.throwsAsync(accept(), { message: 'of our own business' })
  isBroken = false
  await t.notThrowsAsync(accept())
})

test('the hook is asked last, and knows of the file what is known', async (t) => {
  const heard: FileOffer[] = []
  const { accept } = await setScene(t, { names: ['*.txt'], mayAccept: (offer) => heard.push(offer) > 0 })
  await t.throwsAsync(accept({ name: 'x.exe' }))
  const hashes = [{ algo: 'md5', value: Buffer.alloc(16) }]
  const facts = { size: 3, mimeType: 'text/plain', description: 'us', hashes }
  await accept({ name: 'a\nb.txt', ...facts, hashUsed: ['sha-256'] })
  t.deepEqual(heard, [{ from: 'sender@example.org/desk', name: 'a_b.txt', ...facts }])
})

test('the room on the disk is for all files under way together, less what they have already', async (t) => {
  const { accept } = await setScene(t, {}, async () => 10)
  const first = await accept({ size: 6 })
  const error = await t.throwsAsync(accept({ size: 5 }), { code: 'ERR_DISK_SPACE' })
  t.regex(error?.message ?? '', /has room for 10 B, the files under way need 11 B$/)
  await first.write(Buffer.from('x'))
  const second = await accept({ size: 5 })
  await t.throwsAsync(accept({ size: 1 }), { code: 'ERR_DISK_SPACE' })
  await second[Symbol.asyncDispose]()
  await t.notThrowsAsync(accept({ size: 5 }))
})

test('of two offers at the same time, the first one gets the room', async (t) => {
  const { accept } = await setScene(t, {}, async () => 10)
  const [first, second] = await Promise.allSettled([accept({ size: 6 }), accept({ size: 6 })])
  t.deepEqual([first?.status, second?.status], ['fulfilled', 'rejected'])
})

test('a file the disk will never have room for takes no place', async (t) => {
  const { accept, into } = await setScene(t, { transfersMax: 1 })
  await t.throwsAsync(accept({ size: Number.MAX_SAFE_INTEGER }), { code: 'ERR_DISK_SPACE' })
  await t.notThrowsAsync(accept())
  t.is((await filesIn(into)).length, 2)
})

test('a folder that cannot be made is ERR_FILE', async (t) => {
  const { accept } = await setScene(t, { into: '/dev/null/x' })
  await t.throwsAsync(accept(), { code: 'ERR_FILE' })
})

/** Room for so many octets, less those of the parts in a folder. */
const roomBeside = (folder: () => string, octets: number) => async () => {
  const sizes = (await filesIn(folder())).filter((name) => name.endsWith('.part')).map((name) => statSync(join(folder(), name)).size)
  return sizes.reduce((left, size) => left - size, octets)
}

test('of a file whose beginning is here, only the rest needs room', async (t) => {
  let folder = ''
  const { accept, into } = await setScene(
    t,
    {},
    roomBeside(() => folder, 100),
  )
  folder = into
  const file = { from: 'sender@example.org/desk', size: 100, date: '2026-11-21T19:40:42Z', hashUsed: ['sha-256'], canResume: true }
  await leavePart(into, Buffer.alloc(90), { modifiedS: Date.parse(file.date) / 1000 })
  t.is((await accept(file)).offset, 90)
  const error = await t.throwsAsync(accept({ ...file, name: 'other.bin', size: 1 }), { code: 'ERR_DISK_SPACE' })
  t.regex(error?.message ?? '', /has room for 10 B, the files under way need 11 B$/)
})

test('no part makes room for a file that is declined', async (t) => {
  let folder = ''
  const room = roomBeside(() => folder, 100)
  const { accept, into } = await setScene(t, { mayAccept: () => false }, room)
  folder = into
  await leavePart(into, Buffer.alloc(40), { name: 'old' })
  await t.throwsAsync(accept({ size: 80 }), { code: 'ERR_DECLINED' })
  t.is((await filesIn(into)).length, 2)
})

test('parts nobody uses make room, the oldest first, where that is enough', async (t) => {
  let folder = ''
  const { accept, into } = await setScene(
    t,
    {},
    roomBeside(() => folder, 100),
  )
  folder = into
  for (const [name, ageMs] of [
    ['old', 2_000_000],
    ['new', 1_000_000],
  ] as const) {
    await leavePart(into, Buffer.alloc(40), { name })
    const part = (await filesIn(into)).find((each) => each.startsWith(`.${name}.`) && each.endsWith('.part')) as string
    const then = new Date(Date.now() - ageMs)
    utimesSync(join(into, part), then, then)
  }
  const names = async () => (await filesIn(into)).map((name) => name.split('.')[1])
  await t.throwsAsync(accept({ size: 101 }), { code: 'ERR_DISK_SPACE' })
  t.deepEqual(await names(), ['new', 'new', 'old', 'old'], 'all of them would not be enough')
  await accept({ size: 50 })
  t.deepEqual(await names(), ['file', 'file', 'new', 'new'])
})
