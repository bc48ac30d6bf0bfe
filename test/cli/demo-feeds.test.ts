// Goal: the demo of feeds gets one file to everybody, also to who was away, and tells how.
// Method: the command in this process, with few subscribers and a small file, as it writes into a pipe and onto terminals.

import test from 'ava'
import { startCommand } from '../helpers/command.ts'

const small = ['demo', '--feeds', '--subscribers', '3', '--away', '1', '--size', '64KiB']

test('who was there and who was away end with the hash of the owner, and programs are told each step with its section', async (t) => {
  const { code, stdout, stderr } = await startCommand(t, [...small, '--json']).ended
  t.is(code, 0, stderr)
  const facts = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const steps = facts.map(({ event }) => event)
  const received = ['received', 'received', 'fetched', 'queued', 'back', 'received', 'fetched']
  t.deepEqual(steps, ['making', 'serving', 'created', 'subscribed', 'left', 'announced', ...received, 'compared'])
  t.deepEqual(facts[4]?.['accounts'], ['wall03@localhost'])
  t.deepEqual(facts[9]?.['accounts'], ['wall03@localhost'])
  t.is(facts[11]?.['account'], 'wall03@localhost')
  const { owned, received: copies } = facts.at(-1) ?? {}
  t.regex(String(owned), /^[0-9a-f]{64}$/)
  t.deepEqual(
    copies,
    ['wall01', 'wall02', 'wall03'].map((name) => ({ name, sha256: owned })),
  )
  const told = facts.filter(({ event }) => event !== 'making' && event !== 'received')
  for (const { event, source } of told) t.regex(String(source), /XEP-\d{4}|RFC \d{4}|FIPS|docs\/feeds/, String(event))
})

test('lines in a pipe, and on a terminal, stay within its columns, and end with the hashes', async (t) => {
  const [piped, narrow] = [startCommand(t, small), startCommand(t, small, { columns: 60 })]
  const { code, stdout } = await piped.ended
  t.is(code, 0)
  t.regex(stdout, /^ {4}wall03 has it: 64 KiB in /m)
  for (const line of stdout.split('\n')) t.true(line.length <= 80, line)
  t.is((await narrow.ended).code, 0)
  const { screen } = narrow.stdout
  for (const line of screen) t.true(line.length <= 60, line)
  t.is(screen.filter((line) => /^ {4}(owner |wall0\d) {2}[0-9a-f]{46}…$/.test(line)).length, 4)
})

test('numbers of subscribers that are none, or too many, are wrong usage', async (t) => {
  for (const [flag, value] of [
    ['--subscribers', '0'],
    ['--subscribers', '51'],
    ['--away', '21'],
    ['--away', 'few'],
  ] as const) {
    const { code, stderr } = await startCommand(t, ['demo', flag, value]).ended
    t.is(code, 2)
    t.true(stderr.startsWith(`streamhost: ${flag}: "${value}" is not a whole number from `), stderr)
  }
})

for (const [away, text] of [
  ['0', 'One was online, was told at once, and has it.'],
  ['1', 'Nobody was online.'],
]) {
  test(`of one subscriber, ${away} away, it is told as of one`, async (t) => {
    const { code, stdout } = await startCommand(t, ['demo', '--feeds', '--subscribers', '1', '--away', `${away}`, '--size', '64KiB']).ended
    t.is(code, 0)
    t.true(stdout.includes(`${text}`), stdout)
  })
}
