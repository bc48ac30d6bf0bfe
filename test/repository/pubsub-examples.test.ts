// Goal: every numbered example of XEP-0060 §5-§9 is said on the wire, or docs/xeps.md says why a service of this kind has no part in it.
// Method: the numbers in test/wire/pubsub/ and in that table, held against all there are.

import test from 'ava'
import { readRepositoryFile, repositoryFiles } from '../helpers/repository-files.ts'

/** Of version 1.30.0. */
const [FIRST, LAST] = [7, 215]

const said = repositoryFiles()
  .filter((path) => path.startsWith('test/wire/pubsub/'))
  .flatMap((path) => [...readRepositoryFile(path).matchAll(/\bE(\d+)\b/g)].map(([, number]) => Number(number)))

const [, section = ''] = readRepositoryFile('docs/xeps.md').split('\n## XEP-0060: examples that are not ours\n')
const leftOut = (section.split('\n## ')[0] ?? '')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .flatMap((line) => (line.split('|')[1] ?? '').split(',').map((part) => part.trim()))
  .flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, at) => from + at)
  })

test('every example is said, or said to be none of ours; none is both', (t) => {
  const all = Array.from({ length: LAST - FIRST + 1 }, (_, at) => FIRST + at)
  t.deepEqual(
    [...new Set(said), ...leftOut].sort((one, other) => one - other),
    all,
  )
})
