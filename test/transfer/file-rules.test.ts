import { createHash } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { ErrorCode } from '../../src/core/index.ts'
import { FileCheck, type FileOffer, type FileRules } from '../../src/transfer/file-rules.ts'

const sha256 = createHash('sha256').update('full').digest()
const offer: FileOffer = {
  ...{ from: 'sender@example.org/desk', name: 'photo.jpg', size: 4, mimeType: 'image/jpeg', description: undefined },
  hashes: [{ algo: 'sha-256', value: sha256 }],
}

const accepts = test.macro({
  exec(t: ExecutionContext, rules: FileRules, facts: Partial<FileOffer> = {}, hashUsed: readonly string[] = []) {
    t.notThrows(() => new FileCheck(rules).check({ ...offer, ...facts }, hashUsed))
  },
  title: (given = '') => `accepted: ${given}`,
})
const declines = test.macro({
  exec(t: ExecutionContext, rules: FileRules, facts: Partial<FileOffer>, message: string, code: ErrorCode = 'ERR_DECLINED') {
    t.throws(() => new FileCheck(rules).check({ ...offer, ...facts }, []), { code, message })
  },
  title: (given = '') => `declined: ${given}`,
})

test('anything, where there are no rules', accepts, {}, { name: 'x', size: Number.MAX_SAFE_INTEGER, mimeType: undefined, hashes: [] })

const tooLarge = 'files of at most 1 KiB are accepted'
test('the size that is the limit', accepts, { fileBytesMax: 1024 }, { size: 1024 })
test('an octet more', declines, { fileBytesMax: 1024 }, { size: 1025 }, tooLarge, 'ERR_FILE_TOO_LARGE')

const notThisName = 'files of this name are not accepted'
test('a name like a pattern', accepts, { names: ['*.jpg'] })
test('a name like one of several patterns', accepts, { names: ['*.pdf', 'photo?*'] }, { name: 'photo 1.png' })
test('a name like a pattern but for case', accepts, { names: ['*.JPG'] }, { name: 'Photo.jpG' })
test('a pattern in the other normal form', accepts, { names: ['ä*'.normalize('NFD')] }, { name: 'ä.txt'.normalize('NFC') })
test('a name with brackets, and a pattern for anything', accepts, { names: ['*'] }, { name: '[x] (1) {y}!.tar.gz' })
test('a name like no pattern', declines, { names: ['*.pdf', '*.txt'] }, {}, notThisName)
test('a name whose beginning is like a pattern', declines, { names: ['*.jpg'] }, { name: 'photo.jpg.exe' }, notThisName)
test('any name, where there is no pattern', declines, { names: [] }, {}, notThisName)
test('a name somebody wants', accepts, { names: (name) => name === 'photo.jpg' })
test('a name somebody does not want', declines, { names: (name) => name !== 'photo.jpg' }, {}, notThisName)

const notThisType = 'files of this type are not accepted'
test('the type', accepts, { types: ['image/jpeg'] })
test('a type of that kind', accepts, { types: ['text/plain', 'image/*'] })
test('a type in capitals, with parameters', accepts, { types: ['Text/Plain'] }, { mimeType: 'TEXT/plain ; charset=utf-8' })
test('any type there is', accepts, { types: ['*/*'] })
test('another type', declines, { types: ['image/png', 'text/*'] }, {}, notThisType)
test('a type that begins alike', declines, { types: ['image/*'] }, { mimeType: 'imagery/x' }, notThisType)
test('no type, where one is wanted', declines, { types: ['*/*'] }, { mimeType: undefined }, notThisType)

const hashless = 'only files with a hash of their content are accepted'
test('a hash where one is required', accepts, { hashRequired: true })
test('a weak one', accepts, { hashRequired: true }, { hashes: [{ algo: 'md5', value: Buffer.alloc(16) }] })
test('one that is to come behind the content', accepts, { hashRequired: true }, { hashes: [] }, ['sha3-256'])
test('none', declines, { hashRequired: true }, { hashes: [] }, hashless)
test('one nobody can verify', declines, { hashRequired: true }, { hashes: [{ algo: 'x', value: Buffer.alloc(1) }] }, hashless)

test('a content that is not blocked', accepts, { sha256Blocked: ['00'.repeat(32)] })
test('a content that is blocked', declines, { sha256Blocked: [sha256.toString('hex').toUpperCase()] }, {}, 'this content is not accepted')

test('a blocked content that pretends to be another is known when it has come', (t) => {
  const check = new FileCheck({ sha256Blocked: [sha256.toString('hex')] })
  t.notThrows(() => check.check({ ...offer, hashes: [] }, []))
  t.throws(() => check.checkContent(sha256.toString('hex')), { code: 'ERR_DECLINED' })
  t.notThrows(() => check.checkContent('00'.repeat(32)))
})

test('what is blocked has to be a SHA-256', (t) => {
  for (const digits of ['', 'x'.repeat(64), '00'.repeat(16)]) {
    t.throws(() => new FileCheck({ sha256Blocked: [digits] }), { instanceOf: TypeError, message: /is no SHA-256/ })
  }
})
