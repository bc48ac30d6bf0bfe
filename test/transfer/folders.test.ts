import { lstat, mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Acceptance } from '../../src/transfer/acceptance.ts'
import { checkFolders, makeFolders } from '../../src/transfer/folders.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { filesIn, makeFolder } from '../helpers/transfers.ts'

// Goal: folders are made below the one they belong in, and nothing gets a name elsewhere, whatever is in the way.

test('folders are made one inside the other, and found again', async (t) => {
  const into = join(await makeFolder(t), 'inbox')
  const path = join(into, 'a', 'b')
  t.is(await makeFolders(into, ['a', 'b']), path)
  t.is(await makeFolders(into, ['a', 'b']), path)
  t.true((await lstat(path)).isDirectory())
  await t.notThrowsAsync(checkFolders(into, ['a', 'b']))
  t.is(await makeFolders(into, []), into)
})

test('the folder all begins in may be a symbolic link, which its owner has made', async (t) => {
  const folder = await makeFolder(t)
  await mkdir(join(folder, 'disk'))
  await symlink('disk', join(folder, 'inbox'))
  await makeFolders(join(folder, 'inbox'), ['a'])
  t.deepEqual(await filesIn(join(folder, 'disk')), ['a'])
})

test('a symbolic link on the way is not followed, wherever it leads', async (t) => {
  const into = await makeFolder(t)
  const elsewhere = await makeFolder(t)
  await mkdir(join(into, 'real'))
  await symlink(elsewhere, join(into, 'out'))
  await symlink('real', join(into, 'in'))
  await symlink('nowhere', join(into, 'dangling'))
  for (const name of ['out', 'in', 'dangling']) {
    const expected = { code: 'ERR_FILE', message: new RegExp(`/${name} is a symbolic link, and not followed$`) }
    await t.throwsAsync(makeFolders(into, [name]), expected)
    await t.throwsAsync(makeFolders(into, [name, 'below']), expected)
    await t.throwsAsync(checkFolders(into, [name]), expected)
  }
  t.deepEqual(await filesIn(elsewhere), [])
})

test('a file where a folder is wanted is said to be one, and so is a folder that cannot be made', async (t) => {
  const into = await makeFolder(t)
  await writeFile(join(into, 'file'), '')
  await t.throwsAsync(makeFolders(into, ['file', 'below']), { code: 'ERR_FILE', message: /file is a file, where a folder is wanted$/ })
  await t.throwsAsync(makeFolders(join(into, 'file'), ['a']), { code: 'ERR_FILE', message: /cannot be made: / })
  await t.throwsAsync(makeFolders(into, ['n'.repeat(300)]), { code: 'ERR_FILE', message: /cannot be made: ENAMETOOLONG/ })
  await t.throwsAsync(checkFolders(into, ['gone']), { code: 'ERR_FILE', message: /gone is gone/ })
})

test('a folder that becomes a link while the file comes gets no file, and neither does what it leads to', async (t) => {
  const into = await makeFolder(t)
  const elsewhere = await makeFolder(t)
  const acceptance = new Acceptance({ clock: new FakeClock() }, { into, from: ['a@b.example'] }, new AbortController().signal)
  const facts = { from: 'a@b.example/c', name: 'file.bin', folder: 'a/b', size: 1, mimeType: undefined, description: undefined, hashes: [] }
  await using sink = await acceptance.accept(facts)
  await sink.write(Buffer.from('x'))
  await rename(join(into, 'a'), join(into, 'aside'))
  await mkdir(join(elsewhere, 'b'))
  await symlink(elsewhere, join(into, 'a'))
  await t.throwsAsync(sink.store(), { code: 'ERR_FILE', message: /\/a is a symbolic link, and not followed$/ })
  t.deepEqual(await filesIn(join(elsewhere, 'b')), [])
  t.deepEqual(await filesIn(join(into, 'aside', 'b')), [])
})
