// Goal: docs/pubsub-client.md has every fact that the commands of publish-subscribe tell with --json, with its fields.
// Method: the rows of its table against what the source gives to Output.tell.

import test from 'ava'
import { readRepositoryFile, repositoryFiles } from '../helpers/repository-files.ts'
import { findToldFacts } from '../helpers/told-facts.ts'

const namesIn = (cell = '') => [...cell.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name)
const line = (key: string, fields: Iterable<string>) => `${key}: ${[...fields].sort().join(', ')}`

const [, section = ''] = readRepositoryFile('docs/pubsub-client.md').split('\n## What --json tells\n')
const rows = (section.split('\n## ')[0] ?? '')
  .split('\n')
  .filter((text) => text.startsWith('| ') && text.includes('`'))
  .map((text) => text.split('|').map((cell) => cell.trim()))

test('every fact of every command has its row, with its fields, and no row is about another', (t) => {
  const paths = repositoryFiles().filter((path) => /^src\/cli\/commands\/pubsub.*\.ts$/.test(path))
  const told = [...findToldFacts(paths)].map(([key, fields]) => line(key, fields))
  const explained = rows
    .filter(([, command]) => command !== 'any')
    .flatMap(([, command, event, fields]) => {
      const [name = ''] = namesIn(event)
      return namesIn(command).map((each) => line(`${each} ${name}`, namesIn(fields)))
    })
  t.deepEqual(explained.sort(), told.sort())
  t.true(explained.length > 20)
})

test('whichever command fails ends with the same fact', (t) => {
  const told = /\.tell\('error', \{([^}]*)\}/.exec(readRepositoryFile('src/cli/program.ts'))?.[1] ?? ''
  const fields = told.split(',').map((field) => field.split(':')[0]?.trim() ?? '')
  const [error] = rows.filter(([, command]) => command === 'any')
  t.is(line(namesIn(error?.[2])[0] ?? '', namesIn(error?.[3])), line('error', fields))
})
