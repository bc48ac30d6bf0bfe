import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { type Box, startBox } from '../helpers/box.ts'
import { startCli } from '../helpers/cli.ts'

// Goal: `send DIR` and `receive` as processes: what arrives where, and what is said.

async function makeTree({ folder }: Box): Promise<string> {
  const top = join(folder, 'holiday')
  await mkdir(join(top, 'day 1', 'empty'), { recursive: true })
  await writeFile(join(top, '.list'), 'list')
  await writeFile(join(top, 'day 1', '漢字.txt'), 'kanji')
  await symlink('/etc/passwd', join(top, 'link'))
  return top
}

async function startReceiving(t: ExecutionContext, { folder, as }: Box, ...more: readonly string[]) {
  const [desk, environment] = as('desk')
  const into = join(folder, 'inbox')
  const receive = startCli(t, ['receive', ...desk, '--into', into, '--from', 'laptop@localhost', ...more], environment)
  await receive.event('ready')
  return { into, receive }
}

/** What `send` tells people. */
async function send(t: ExecutionContext, { as }: Box, ...args: readonly string[]) {
  const [laptop, environment] = as('laptop')
  const people = laptop.filter((argument) => argument !== '--json')
  return await startCli(t, ['send', ...args, ...people, '--to', 'desk@localhost'], environment).ended
}

test('a directory arrives with its files in their folders; what is left out is named; one line for each file', async (t) => {
  const box = await startBox(t)
  const top = await makeTree(box)
  const { into, receive } = await startReceiving(t, box)
  const { code, stdout, stderr } = await send(t, box, `${top}/`, '--method', 'proxy')
  t.is(code, 0, stderr)
  t.deepEqual(stderr.trimEnd().split('\n'), [
    `${top}/day 1/empty: not sent, it is an empty folder`,
    `${top}/link: not sent, it is a symbolic link`,
  ])
  const [way, ...sent] = stdout.trimEnd().split('\n')
  t.regex(String(way), /: to desk@localhost\/\S+, by Jingle, through the proxy proxy\.localhost$/)
  t.deepEqual(sent.map((line) => line.replace(/: sent, .*/, '')).sort(), [join(top, '.list'), join(top, 'day 1', '漢字.txt')])
  t.is(await readFile(join(into, 'holiday', '.list'), 'utf8'), 'list')
  t.is(await readFile(join(into, 'holiday', 'day 1', '漢字.txt'), 'utf8'), 'kanji')
  await receive.event('received', 2)
  receive.child.kill('SIGINT')
  const received = (await receive.ended).stdout.split('\n').flatMap((line) => (line.includes('"received"') ? [JSON.parse(line).path] : []))
  t.deepEqual(received.sort(), [join(into, 'holiday', '.list'), join(into, 'holiday', 'day 1', '漢字.txt')])
})

test('receive --flat makes no folders, and by stream initiation there are none; both are said once', async (t) => {
  const box = await startBox(t)
  const top = await makeTree(box)
  const { into, receive } = await startReceiving(t, box, '--flat')
  const flat = await send(t, box, top)
  t.is(flat.code, 0)
  t.is(flat.stderr.match(/keeps no folders: what is sent arrives without its folders/g)?.length, 1)
  const bySi = await send(t, box, top, '--negotiation', 'si')
  t.is(bySi.code, 0)
  t.is(bySi.stderr.match(/stream initiation tells of no folders: what is sent arrives without its folders/g)?.length, 1)
  t.deepEqual((await readdir(into)).sort(), ['list', '漢字.txt'])
  await receive.event('received', 4)
  receive.child.kill('SIGINT')
  t.is((await receive.ended).stdout.match(/"alreadyThere":true/g)?.length, 2)
})

test('one file of several that is not there is named, and the others arrive; a directory without files is an error', async (t) => {
  const box = await startBox(t)
  const top = await makeTree(box)
  const { into } = await startReceiving(t, box)
  const some = await send(t, box, join(box.folder, 'absent'), top)
  t.is(some.code, 1)
  t.regex(some.stderr, /absent cannot be read: ENOENT[^\n]*\n/)
  t.regex(some.stderr, /\nstreamhost: 1 of 3 files were not sent\n$/)
  t.is(await readFile(join(into, 'holiday', '.list'), 'utf8'), 'list')
  const none = await send(t, box, join(top, 'day 1', 'empty'))
  t.is(none.code, 1)
  t.regex(none.stderr, /\nstreamhost: \S+ 1\/empty: there is no file to send\n$|there is no file to send\n$/)
})

test('a file that is sent again was here already, and people hear no more than that', async (t) => {
  const box = await startBox(t)
  const path = join(box.folder, 'one.txt')
  await writeFile(path, 'one')
  const first = await startReceiving(t, box, '--once')
  t.is((await send(t, box, path)).code, 0)
  t.false('alreadyThere' in (await first.receive.event('received')))
  await first.receive.ended
  const [desk, environment] = box.as('desk')
  const people = desk.filter((argument) => argument !== '--json')
  const args = ['receive', '--once', ...people, '--into', first.into, '--from', 'laptop@localhost']
  const second = startCli(t, args, environment)
  await once(second.child.stdout as Readable, 'data') // That it is ready.
  const again = await send(t, box, path)
  t.deepEqual([again.code, again.stderr], [0, ''])
  const [way, sent] = again.stdout.trimEnd().split('\n')
  t.regex(String(way), /: to desk@localhost/)
  t.is(sent, `${path}: was there already, SHA-256 ${createHash('sha256').update('one').digest('hex')}`)
  const { code, stdout } = await second.ended
  t.deepEqual([code, stdout.trimEnd().split('\n').slice(1)], [0, [`${join(first.into, 'one.txt')}: was here already`]])
  t.deepEqual(await readdir(first.into), ['one.txt'])
})
