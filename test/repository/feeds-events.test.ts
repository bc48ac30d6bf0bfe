// Goal: docs/feeds.md has every fact that offer, watch, get and notify tell with --json, with its fields.
// Method: the rows of its table against what the source gives to Output.tell.

import test from 'ava'
import { readRepositoryFile } from '../helpers/repository-files.ts'
import { findToldFacts } from '../helpers/told-facts.ts'

const commands = ['offer', 'watch', 'get', 'notify']
const helpers = ['attempts', 'incoming', 'outgoing', 'port-mapping'].map((name) => `src/cli/${name}.ts`)

const namesIn = (cell = '', pattern = /`([\w-]+)`/g) => [...cell.matchAll(pattern)].map(([, name = '']) => name)
const line = (key: string, fields: Iterable<string>) => `${key}: ${[...fields].sort().join(', ')}`

const [, section = ''] = readRepositoryFile('docs/feeds.md').split('\n### What --json tells\n')
const rows = (section.split('\n#')[0] ?? '')
  .split('\n')
  .filter((text) => text.startsWith('| ') && text.includes('`'))
  .map((text) => text.split('|').map((cell) => cell.trim()))

test('every fact of every command has its row, with its fields, and no row is about another', (t) => {
  // One by one, since functions are found by their names.
  const told = commands.flatMap((command) =>
    [...findToldFacts([...helpers, `src/cli/commands/${command}.ts`])].map(([key, fields]) => line(key, fields)),
  )
  const explained = rows
    .filter(([, command]) => command !== 'any')
    .flatMap(([, command, event, fields]) => {
      const [name = ''] = namesIn(event, /`([\w -]+)`/g)
      return namesIn(command).map((each) => line(`${each} ${name}`, namesIn(fields)))
    })
  t.deepEqual(explained.sort(), told.sort())
  t.true(explained.length > 20)
})
