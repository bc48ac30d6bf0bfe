// Goal: docs/transfers.md has every fact that send and receive tell with --json, with its fields.
// Method: the rows of its table against what the source gives to Output.tell.

import test from 'ava'
import { readRepositoryFile } from '../helpers/repository-files.ts'

const sources = {
  'src/cli/program.ts': 'both',
  'src/cli/attempts.ts': 'send',
  'src/cli/found-files.ts': 'send',
  'src/cli/commands/send.ts': 'send',
  'src/cli/commands/send-queued.ts': 'send',
  'src/cli/commands/receive.ts': 'receive',
  'src/cli/incoming.ts': 'receive',
} as const

const keysOf = (literal: string) =>
  literal
    .slice(1, -1)
    .split(',')
    .map((field) => field.split(':')[0]?.trim() ?? '')
    .filter((name) => name !== '')

/** `command event: fields`, out of the source. */
const told = Object.entries(sources).flatMap(([path, command]) => {
  const source = readRepositoryFile(path)
  return [...source.matchAll(/\.tell\(\s*'([\w ]+)',\s*(\{[^}]*\}|\w+)/g)].map(([, event, facts = '']) => {
    const literal = facts.startsWith('{') ? facts : (new RegExp(`const ${facts} = (\\{[^}]*\\})`).exec(source)?.[1] ?? '{}')
    return `${command} ${event}: ${keysOf(literal).sort().join(', ')}`
  })
})

const [, section = ''] = readRepositoryFile('docs/transfers.md').split('\n## What --json tells\n')
const rows = (section.split('\n## ')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('`'))
  .map((line) => line.split('|').map((cell) => cell.trim()))

test('every fact there is has its row, with its fields, and no row is about another', (t) => {
  const explained = rows.map(([, command, event = '', fields = '']) => {
    const names = [...fields.matchAll(/`(\w+)`/g)].map(([, name]) => name)
    return `${command} ${event.replaceAll('`', '')}: ${names.sort().join(', ')}`
  })
  t.deepEqual(explained.sort(), [...new Set(told)].sort())
  t.true(explained.length > 15)
})
