// Goal: whatever a transfer fails with is explained in docs/transfers.md, and what the page says is said by the program.
// Method: its tables, cell by cell, against the table of errors, the exit codes, and the sentences in the source.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { exitCodeOf } from '../../src/cli/exit-codes.ts'
import { receiveOptions } from '../../src/config/index.ts'
import { BytestreamError, type ErrorCode, errorCodes } from '../../src/core/index.ts'
import { readRepositoryFile } from '../helpers/repository-files.ts'

const page = readRepositoryFile('docs/transfers.md')
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(join('src', path), 'utf8'))

/** What stands in `code` in a cell. */
const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text as string)

/** The rows of the tables below a heading, cell by cell, without those at their head. */
function rowsBelow(heading: string): string[][] {
  const [, section = ''] = page.split(`\n${heading}\n`)
  const lines = (section.split(/^## /m)[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
  return lines
    .map((line) => line.slice(1, -1).split(/(?<!\\)\|/))
    .map((row) => row.map((cell) => cell.trim()))
    .filter(([first = '']) => !/^(-+|code|option)$/.test(first))
}

const failures = rowsBelow('## Why does my transfer fail?')

test('every code there is, but for those of publish-subscribe, of offers, and of storage, has its row, and no row is about another', (t) => {
  const explained = new Set(failures.flatMap(([codes = '']) => quoted(codes)))
  t.deepEqual([...explained].sort(), errorCodes.filter((code) => !/^ERR_(PUBSUB|OFFER_|STORAGE)/.test(code)).sort())
})

test('each row tells the exit code of its codes', (t) => {
  for (const [codes = '', exit] of failures) {
    for (const code of quoted(codes).filter((each) => each !== 'ERR_STANZA')) {
      t.is(exit, String(exitCodeOf(new BytestreamError(code as ErrorCode, ''))), code)
    }
  }
})

const sentences = [
  ...failures.flatMap(([, , said = '']) => quoted(said)),
  ...rowsBelow('## What a receiver accepts').flatMap(([, , , said = '']) => quoted(said)),
]

test('there are sentences to look for', (t) => {
  t.true(sentences.length > 60)
})

for (const sentence of new Set(sentences)) {
  test(`the program says "${sentence}"`, (t) => {
    const parts = sentence.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    // What stands for a part that differs is an expression in a template, which may hold quotes of its own.
    const pattern = new RegExp(parts.map((part) => part.trimEnd()).join('[^\\n]{0,150}?'))
    const [first = ''] = sentence.split('…')
    t.true(sources.some((source) => source.includes(first.trimEnd()) && pattern.test(source)))
  })
}

test('every option that is a rule of receive has its row', (t) => {
  const rows = rowsBelow('## What a receiver accepts').flatMap(([option = '']) => quoted(option))
  const places = ['into', 'out', 'resource', 'once', 'retry-for', 'flat']
  const others = [...places, 'method', 'map-port', 'open-time-max', 'connect-time-max', 'time-max']
  const rules = Object.entries(receiveOptions).filter(([name]) => !others.includes(name))
  const flags = rules.map(([name, option]) => ('placeholder' in option ? `--${name} ${option.placeholder}` : `--${name}`))
  t.deepEqual(rows.sort(), flags.sort())
})
