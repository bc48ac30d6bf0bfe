// Goal: each row of what XEP-0060 demands of a service, in docs/xeps.md, has its test. Method: an example it names is said on the wire,
// a file it names is there, if there is no example one of its files names the clause, and every file the clause or the word it is about.

import test from 'ava'
import { readRepositoryFile, repositoryFiles } from '../helpers/repository-files.ts'

const files = repositoryFiles()
const said = new Set(
  files
    .filter((path) => path.startsWith('test/wire/pubsub/'))
    .flatMap((path) => [...readRepositoryFile(path).matchAll(/\bE\d+\b/g)].map(([example]) => example)),
)

const pathOf = (name: string) => (name.includes('/') ? name : `test/component/pubsub/${name}`)
const names = (text: string, clause: string) => new RegExp(`${clause.replaceAll('.', '\\.')}(?![.]?\\d)`).test(text)

/** What is wrong with a row. */
function faults(line: string): string[] {
  const [, sections = '', what = '', tests = ''] = line.split('|')
  const clauses = sections.match(/§[\d.]+/g) ?? []
  const examples = tests.match(/\bE\d+\b/g) ?? []
  const paths = [...tests.matchAll(/`([^`]+)`/g)].map(([, name = '']) => pathOf(name))
  const missing = paths.filter((path) => !files.includes(path))
  const texts = paths.filter((path) => files.includes(path)).map(readRepositoryFile)
  const unnamed = examples.length > 0 ? [] : clauses.filter((clause) => !texts.some((text) => names(text, clause)))
  const words = [...what.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
  const unfounded = texts.filter((text) => !clauses.some((clause) => names(text, clause)) && !words.some((word) => text.includes(word)))
  return [
    ...(clauses.length === 0 || examples.length + paths.length === 0 ? ['says nothing'] : []),
    ...examples.filter((example) => !said.has(example)).map((example) => `${example} is not said`),
    ...missing.map((path) => `${path} is not there`),
    ...unnamed.map((clause) => `${clause} is named nowhere`),
    ...(unfounded.length > 0 ? ['a file names neither the clause nor what it asks for'] : []),
  ]
}

const [, section = ''] = readRepositoryFile('docs/xeps.md').split('\n## XEP-0060: what a service must\n')
const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| §'))

test('every row has a test that is there, and names its clause', (t) => {
  t.true(rows.length > 80)
  t.deepEqual(
    rows.flatMap((row) => faults(row).map((fault) => `${row}: ${fault}`)),
    [],
  )
})

test('a row whose test is not there, or is about something else, is noticed', (t) => {
  t.deepEqual(faults('| §6.2.2 | x | E9999 |'), ['E9999 is not said'])
  t.deepEqual(faults('| §6.2.2 | x | `nothing.test.ts` |'), [
    'test/component/pubsub/nothing.test.ts is not there',
    '§6.2.2 is named nowhere',
  ])
  t.deepEqual(faults('| §9.9.9 | x | `items.test.ts` |'), [
    '§9.9.9 is named nowhere',
    'a file names neither the clause nor what it asks for',
  ])
  t.deepEqual(faults('| §6.2.2 | x | |'), ['says nothing', '§6.2.2 is named nowhere'])
})
