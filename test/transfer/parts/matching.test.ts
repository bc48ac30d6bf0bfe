import test, { type ExecutionContext } from 'ava'
import { differenceOf, isNamesake, type WantedFile } from '../../../src/transfer/parts/matching.ts'
import { wantedFile } from '../../helpers/parts.ts'

const hash = (algo: string, fill = 0) => ({ algo, value: Buffer.alloc(32, fill) })

const judged = test.macro({
  exec(t: ExecutionContext, part: Partial<WantedFile>, wanted: Partial<WantedFile>, difference: string | undefined) {
    t.is(differenceOf(wantedFile(part), wantedFile(wanted)), difference)
  },
  title: (given = '', _part, _wanted, difference) => `${given}: ${difference ?? 'the same file'}`,
})

const changed = 'the file was changed since the part came'
const otherContent = 'the file has other content than the part that is here'
const noHash = 'its sender gives no hash of the whole file'
test('the same date, and a hash to come', judged, {}, {}, undefined)
test('the same date, and a hash', judged, {}, { hashes: [hash('sha-1')], hashUsed: [] }, undefined)
test('the same date, and hashes of other kinds on both sides', judged, { hashes: [hash('md5')] }, { hashes: [hash('sha-1')] }, undefined)
test(
  'another size',
  judged,
  { hashes: [hash('md5')] },
  { size: 99, hashes: [hash('md5')] },
  'the file has another size than the part that is here',
)
test('another date', judged, {}, { modifiedS: 1_000_001 }, changed)
test('no date on either side', judged, { modifiedS: undefined }, { modifiedS: undefined }, changed)
test('no date any more', judged, {}, { modifiedS: undefined }, changed)
test('the same date and no hash', judged, {}, { hashUsed: [] }, noHash)
test('the same date and a hash nobody knows', judged, {}, { hashUsed: ['sha-224'] }, noHash)
test('the same hash, whatever the date', judged, { hashes: [hash('md5')] }, { hashes: [hash('md5')], modifiedS: undefined }, undefined)
test('another hash, and the same date', judged, { hashes: [hash('md5')] }, { hashes: [hash('md5', 1)] }, otherContent)
test(
  'one of two hashes is another',
  judged,
  { hashes: [hash('md5'), hash('sha-256')] },
  { hashes: [hash('md5'), hash('sha-256', 1)] },
  otherContent,
)
test(
  'the same of a hash nobody knows says nothing',
  judged,
  { hashes: [hash('sha-224')], modifiedS: undefined },
  { hashes: [hash('sha-224')] },
  changed,
)

test('a file is known by who sends it, its name and its folder', (t) => {
  t.true(isNamesake(wantedFile(), wantedFile({ size: 1, modifiedS: 1 })))
  for (const other of [{ from: 'x.sender@example.org' }, { name: 'File.bin' }, { folder: 'a' }])
    t.false(isNamesake(wantedFile(), wantedFile(other)))
})
