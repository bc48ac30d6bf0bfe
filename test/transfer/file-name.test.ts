import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, posix, win32 } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { toSafeFolder } from '../../src/transfer/file-name.ts'
import { numberFileName, toSafeFileName } from '../../src/transfer/index.ts'

const becomes = test.macro({
  exec(t: ExecutionContext, name: string, expected: string) {
    t.is(toSafeFileName(name), expected)
  },
  title: (_, name: string, expected: string) => `${JSON.stringify(name)} becomes ${JSON.stringify(expected)}`,
})

const declined = test.macro({
  exec(t: ExecutionContext, name: string) {
    t.throws(() => toSafeFileName(name), { instanceOf: BytestreamError, code: 'ERR_FILE_NAME' })
  },
  title: (_, name: string) => `${JSON.stringify(name)} is declined`,
})

for (const [name, expected] of [
  ['photo.jpg', 'photo.jpg'],
  ['Ein Bild, 漢字 😀 (1).tar.gz', 'Ein Bild, 漢字 😀 (1).tar.gz'],
  ['_', '_'],
  ['a..b', 'a..b'],
  // Paths, of any system
  ['../../x', 'x'],
  ['/etc/passwd', 'passwd'],
  ['..\\..\\x', 'x'],
  ['C:\\Windows\\system.ini', 'system.ini'],
  ['C:evil.txt', 'C_evil.txt'],
  ['a/', 'declined'],
  ['x:stream', 'x_stream'],
  // Devices
  ['CON', '_CON'],
  ['con.txt', '_con.txt'],
  ['Lpt1.tar.gz', '_Lpt1.tar.gz'],
  ['console', 'console'],
  ['COM10', 'COM10'],
  // Hidden, or with ends that get lost
  ['.bashrc', 'bashrc'],
  ['...x', 'x'],
  ['x...', 'x'],
  ['x. . ', 'x'],
  [' x ', 'x'],
  // What a terminal or a reader would obey
  ['a\nb', 'a_b'],
  ['a\u0000b', 'a_b'],
  ['a\u001b[31mb', 'a_[31mb'],
  ['photo\u202egpj.exe', 'photo_gpj.exe'],
  ['a\u2066b\u2069', 'a_b_'],
  ['a\u200bb', 'a_b'],
  ['a?b*c<d>e|f"g', 'a_b_c_d_e_f_g'],
  // The same to the eye is the same name
  ['e\u0301', '\u00e9'],
] as const) {
  if (expected !== 'declined') test(becomes, name, expected)
  else test(declined, name)
}

for (const [name, expected] of [
  ['.index', '.index'],
  ['...index', '.index'],
  ['. index ', '.index'],
  ['index', 'index'],
  [' .index', 'index'],
  ['\u200b.index', '_.index'],
  ['../.index', '.index'],
  ['.con', '._con'],
  ['.-rf', '._-rf'],
  // What the beginning of a file is called, and what is said of it
  ['.photo.jpg.0123456789ab.part', 'photo.jpg.0123456789ab.part'],
  ['.photo.jpg.0123456789ab.part.json', 'photo.jpg.0123456789ab.part.json'],
  ['.photo.PART. ', 'photo.PART'],
  ['.parts', '.parts'],
] as const) {
  test(`below a folder ${JSON.stringify(name)} becomes ${JSON.stringify(expected)}`, (t) => t.is(toSafeFileName(name, true), expected))
}

for (const name of ['.', '..', ' ..', '. .', '.\u200b']) {
  test(`below a folder ${JSON.stringify(name)} is declined, too`, (t) => {
    t.throws(() => toSafeFileName(name, true), { instanceOf: BytestreamError, code: 'ERR_FILE_NAME' })
  })
}

test('a hidden name that is too long is cut like any other, and stays hidden', (t) => {
  const name = toSafeFileName(`.${'x'.repeat(300)}.jpg`, true)
  t.regex(name, /^\.x+\.jpg$/)
  t.is(name.length, 200)
})

test('folders are hidden below the first one only', (t) => {
  t.deepEqual(toSafeFolder('.holiday/.git/..hooks'), ['holiday', '.git', '.hooks'])
})

for (const name of ['', '.', '..', '...', ' ', '/', '\\', 'a/..', 'a/.', '\u0000', '\u202e', '***', '. . .']) test(declined, name)

test('the message of a declined name is short, and nothing a terminal would obey', (t) => {
  const error = t.throws(() => toSafeFileName('\u001b\u0007\u202e'.repeat(100)))
  t.true((error?.message.length ?? 0) < 100)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  t.notRegex(error?.message ?? '', /[\u0000-\u001f\u202e]/)
})

test('a name of 5,000 characters is cut in the middle: 200 octets, its extension kept', (t) => {
  const name = toSafeFileName(`${'long '.repeat(1_000)}.tar.gz`)
  t.true(name.endsWith('.gz'))
  t.true(Buffer.byteLength(name) <= 200)
  t.true(name.startsWith('long long'))
})

test('a name is cut between characters', (t) => {
  const name = toSafeFileName(`${'😀'.repeat(100)}.jpg`)
  t.regex(name, /^(?:😀)+\.jpg$/u)
})

test('a cut leaves no space or dot before the extension, nor at the end', (t) => {
  t.is(toSafeFileName(`${'a'.repeat(195)} . . . . . . .jpg`), `${'a'.repeat(195)}.jpg`)
  t.is(toSafeFileName(`${'a'.repeat(199)}. ${'b'.repeat(99)}`), 'a'.repeat(199))
})

test('an extension of five thousand characters is none', (t) => {
  t.is(toSafeFileName(`a.${'b'.repeat(5_000)}`).length, 200)
})

const awkward = fc.string({
  unit: fc.oneof(
    fc.constantFrom('.', '/', '\\', ' ', '\n', ':', '~', 'a', 'con', 'nul', '.txt', '\u202e', '😀', '\u0301', '\ud83d'),
    fc.string({ unit: 'binary', maxLength: 1 }),
  ),
  maxLength: 400,
})

test('whatever comes in, a plain name inside the folder comes out, or it is declined', (t) => {
  fc.assert(
    fc.property(awkward, fc.nat({ max: 999 }), (given, number) => {
      let name: string
      try {
        name = numberFileName(toSafeFileName(given), number)
      } catch (error) {
        return error instanceof BytestreamError && error.code === 'ERR_FILE_NAME'
      }
      t.is(basename(name), name)
      t.is(win32.basename(name), name)
      t.is(posix.join('/inbox', name), `/inbox/${name}`)
      t.is(win32.join('C:\\inbox', name), `C:\\inbox\\${name}`)
      t.true(Buffer.byteLength(name) <= 255)
      t.notRegex(name, /^[.\s]|[.\s]$/)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      t.notRegex(name, /[\u0000-\u001f\u007f-\u009f/\\<>:"|?*\u200b-\u200f\u2028-\u202e\u2060-\u2069]/)
      t.notRegex(name, /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i)
      return true
    }),
    { numRuns: 2_000 },
  )
})

test('making a safe name safe changes nothing', (t) => {
  fc.assert(
    fc.property(awkward, (given) => {
      try {
        const name = toSafeFileName(given)
        return toSafeFileName(name) === name
      } catch {
        return true // Declined, as above.
      }
    }),
    { numRuns: 2_000 },
  )
  t.pass()
})

test('this machine can create every safe name, and it is the one in the folder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-names-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await fc.assert(
    fc.asyncProperty(awkward, async (given) => {
      let name: string
      try {
        name = numberFileName(toSafeFileName(given), 999)
      } catch {
        return // Declined, as above.
      }
      await (await open(join(folder, name), 'w')).close()
      t.deepEqual(await readdir(folder), [Buffer.from(name).toString()])
      await rm(join(folder, name))
    }),
    { numRuns: 200 },
  )
})

for (const [name, numbered] of [
  ['photo.jpg', 'photo (2).jpg'],
  ['archive.tar.gz', 'archive.tar (2).gz'],
  ['README', 'README (2)'],
  ['a.b c', 'a (2).b c'],
] as const) {
  test(`the second alternative to ${name} is ${numbered}, the first name is itself`, (t) => {
    t.is(numberFileName(name, 2), numbered)
    t.is(numberFileName(name, 0), name)
  })
}

for (const [folder, steps] of [
  ['holiday', ['holiday']],
  ['a/b c/漢字', ['a', 'b c', '漢字']],
  ['.git/hooks', ['git', 'hooks']],
  ['a:b/c*', ['a_b', 'c_']],
  ['a\u202eb/~x', ['a_b', '_~x']],
  ['e\u0301', ['\u00e9']],
  [Array(32).fill('d').join('/'), Array(32).fill('d')],
  [`${'a'.repeat(255)}/${'b'.repeat(256)}`, ['a'.repeat(200), 'b'.repeat(200)]],
] as const) {
  test(`the folder ${JSON.stringify(folder.slice(0, 40))} becomes ${JSON.stringify(steps.join('/').slice(0, 40))}`, (t) => {
    t.deepEqual(toSafeFolder(folder), steps)
  })
}

for (const folder of [
  ...['', '/', '/etc', 'a/', 'a//b', '.', '..', '../a', 'a/../..', 'a/./b', 'a/..', '...', ' ', 'a/ /b', '\u202e'],
  ...['a\\b', '..\\..', 'C:\\', 'a\0b', 'CON', 'a/aux/b', 'nul.txt'],
  ...[Array(33).fill('d').join('/'), 'a'.repeat(513), `a/${'漢'.repeat(171)}`],
]) {
  test(`the folder ${JSON.stringify(folder.slice(0, 40))} of ${folder.length} characters is declined`, (t) => {
    t.throws(() => toSafeFolder(folder), { instanceOf: BytestreamError, code: 'ERR_FILE_NAME' })
  })
}

test('whatever folder comes in, one inside the other comes out, or it is declined', (t) => {
  fc.assert(
    fc.property(awkward, (given) => {
      try {
        for (const [depth, step] of toSafeFolder(given).entries()) {
          t.is(toSafeFileName(step, depth > 0), step)
          t.notRegex(step, /[/\\]|^\.*$/)
        }
        return true
      } catch (error) {
        return error instanceof BytestreamError && error.code === 'ERR_FILE_NAME'
      }
    }),
    { numRuns: 2_000 },
  )
})
