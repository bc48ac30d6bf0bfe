import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadHashList } from '../../src/config/index.ts'

async function makeList(t: ExecutionContext, content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-hashes-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'list'), content)
  return join(folder, 'list')
}

const hash = createHash('sha256').update('x').digest('hex')
const other = createHash('sha256').update('y').digest('hex')

test('a list is what sha256sum(1) prints: digits, and what they are of', async (t) => {
  const path = await makeList(t, `# blocked\n${hash}  x.bin\n\n${other.toUpperCase()} *y z.bin\r\n\\${hash}  a\\nb\n${other}`)
  t.deepEqual(loadHashList('hashes-blocked', path), [hash, other, hash, other])
  t.deepEqual(loadHashList('hashes-blocked', await makeList(t, '')), [])
})

for (const [name, line] of [
  ['digits that are too few', hash.slice(1)],
  ['digits that are too many', `${hash}0  x`],
  ['a name first', `x.bin ${hash}`],
] as const) {
  test(`${name} make a line wrong, which is named`, async (t) => {
    const path = await makeList(t, `${hash}  x\n${line}\n`)
    const message = `--hashes-blocked: line 2 of ${path} does not begin with a SHA-256`
    t.throws(() => loadHashList('hashes-blocked', path), { code: 'ERR_CONFIG', message })
  })
}

test('a list that is not there is ERR_CONFIG', (t) => {
  t.throws(() => loadHashList('hashes-blocked', '/dev/null/x'), {
    code: 'ERR_CONFIG',
    message: /^--hashes-blocked: the list cannot be read: ENOTDIR/,
  })
})
