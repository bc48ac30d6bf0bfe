// Goal: docs/check.md says of every probe what the probe itself says, and of Prosody and ejabberd what the tests have found.
// Method: its sections and its table, word by word, against the table of probes and the versions the tests know.

import test from 'ava'
import { probes } from '../../src/check/index.ts'
import { knownFaults } from '../helpers/known-faults.ts'
import { readRepositoryFile } from '../helpers/repository-files.ts'

const page = readRepositoryFile('docs/check.md')
const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim()

/** Heading without its hashes → what stands below it. */
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...body] = section.split(/^## /m)[0]?.split('\n') ?? []
      return [heading, oneLine(body.join('\n'))] as const
    }),
)

test('every probe has its section, in the order in which they run', (t) => {
  t.deepEqual(
    [...sections.keys()],
    probes.map(({ id }) => `\`${id}\``),
  )
})

test('the section of a probe says what it proves, where that is written, and what to do', (t) => {
  for (const { id, proves, section, remedy } of probes)
    t.is(sections.get(`\`${id}\``), oneLine(`Proves that ${proves} (${section}). ${remedy}`))
})

test('the example is about every probe', (t) => {
  const [, example = ''] = /^## An example$.*?^```\n(.*?)^```$/ms.exec(page) ?? []
  const shown = [...example.matchAll(/^ {2}(?:ok|warn|FAIL|skip) +(\S+)/gm)].map(([, id]) => id)
  t.deepEqual(
    shown,
    probes.map(({ id }) => id),
  )
})

test('the table of what peers show is what the tests have found', (t) => {
  const words = { failed: 'FAIL', warning: 'warn', skipped: 'skip', passed: 'ok' } as const
  const versions = Object.keys(knownFaults)
  const rows = probes
    .filter(({ id }) => versions.some((version) => ['failed', 'warning'].includes(knownFaults[version]?.[id] ?? '')))
    .map(({ id }) => `| \`${id}\` | ${versions.map((version) => words[knownFaults[version]?.[id] ?? 'passed']).join(' | ')} |`)
  const [, table = ''] = /^(\| probe \|.*?)^$/ms.exec(page) ?? []
  t.deepEqual(table.trim().split('\n'), [`| probe | ${versions.join(' | ')} |`, `|---|${versions.map(() => '---|').join('')}`, ...rows])
})
