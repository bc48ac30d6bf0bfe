// Why: `npm test` ends with one plain line, `N passed, N failed`. Before it stands AVA's summary, which shows each failure,
// and before that every suite that could not run, with the reason: so the end of a long log has what somebody has to look at.
// AVA's summary does not count what passed as soon as one failed, and names nobody that was skipped, or never came to an end.
// Plain JavaScript, like whatever has to run before or without a build. npm runs compile-tests.js first: AVA is given what that made.
//
// node scripts/test.js [test files] [AVA's arguments]

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'

const require = createRequire(import.meta.url)
const cli = join(dirname(require.resolve('ava')), 'cli.mjs')

/** Lines of AVA's verbose reporter, whose two spaces of indentation no output of a test has by accident. */
const PASSED = /^ {2}✔ /
const SKIPPED = /^ {2}- \[skip\] (.*)$/
const PENDING = /^ {2}◌ (.*)$/
/** A file whose tests are over, and that something keeps alive. */
const STAYING = /^ {2}Failed to exit when running (.*)$/
/** Of its summary: what is a failure by name, and what is one although no single test failed. */
const FAILED = /^ {2}(\d+) (?:tests?|hooks?) failed$/
const BROKEN = /^ {2}(\d+) (?:unhandled rejections?|uncaught exceptions?|tests? remained pending after a timeout)$/
/** What AVA writes between its tests, line by line, and its summary of them. */
const END_OF_TESTS = '  ─'
/** Of its summary, the lines it ends with. */
const COUNT = /^ {2}\d+ (?:tests? passed|(?:tests?|hooks?) failed|unhandled rejections?|uncaught exceptions?|tests? remained pending)/
/** AVA waits for programs that its tests started, and did not end: not so many milliseconds behind its summary. */
const PROGRAMS_MS = 5_000

const isFull = process.argv.includes('full.config.js')
const results = { passed: 0, failed: 0, skipped: [], told: 0, pending: [] }

function count(line) {
  const text = stripVTControlCharacters(line)
  const skipped = SKIPPED.exec(text)
  const failed = FAILED.exec(text) ?? BROKEN.exec(text)
  const pending = PENDING.exec(text)
  const staying = STAYING.exec(text)
  if (PASSED.test(text)) results.passed += 1
  if (skipped?.[1]) results.skipped.push(skipped[1])
  if (pending?.[1]) results.pending.push(pending[1])
  if (staying?.[1]) results.pending.push(`${staying[1]}, whose tests are over`)
  if (failed) results.failed += Number(failed[1])
}

/** Names those that were not run, each once. */
function tellSkipped() {
  const untold = results.skipped.slice(results.told)
  results.told = results.skipped.length
  if (untold.length === 0) return
  console.log(`\nNot run (on Debian, npm run test:setup${isFull ? ' -- --full' : ''} installs the programs of others):`)
  for (const suite of untold) console.log(`  ${suite}`)
  console.log()
}

/** Prints what AVA's output leaves out. `status` is its exit code. */
function close(status) {
  // A file that cannot be loaded, or no file at all, is a failure that no test reports.
  if (status !== 0 && results.failed === 0) results.failed = 1
  tellSkipped()
  const { passed, failed, skipped, pending } = results
  if (pending.length > 0) {
    console.log('\nNot over when AVA gave up:')
    for (const title of pending) console.log(`  ${title}`)
  }
  console.log()
  console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`)
  process.exitCode = failed > 0 ? 1 : 0
}

const color = process.stdout.isTTY && !process.env['NO_COLOR'] ? ['--color'] : []
/** Tests, and folders of them, are named by their sources; a value of an option is left as it is. */
const given = process.argv.slice(2).map((argument, at, all) => {
  const path = relative(process.cwd(), resolve(argument))
  return /^test(\/|$)/.test(path) && !/^(-m|--match)$/.test(all[at - 1]) ? join('build', 'tests', path.replace(/\.ts$/, '.js')) : argument
})
const isWatching = given.some((argument) => /^(-w|--watch)$/.test(argument))
// In a group of its own: tests that are given up leave programs behind, which are ended with it. Whoever kills this process by
// SIGKILL has to end that group as well.
const ava = spawn(process.execPath, [cli, ...color, ...given], { stdio: ['inherit', 'pipe', 'inherit'], detached: true })
const endPrograms = () => {
  try {
    process.kill(-ava.pid, 'SIGKILL')
  } catch {} // There are none.
}
process.on('exit', endPrograms)
// When it is interrupted AVA tells what was running.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => ava.kill(signal))
process.stdout.on('error', () => process.exit(1)) // Nobody reads it any more.
let hasLeft = false
let waiting
createInterface({ input: ava.stdout }).on('line', (line) => {
  const text = stripVTControlCharacters(line)
  if (text === END_OF_TESTS) tellSkipped()
  console.log(line)
  count(line)
  if (isWatching || !COUNT.test(text)) return
  clearTimeout(waiting)
  waiting = setTimeout(() => {
    hasLeft = true
    endPrograms()
  }, PROGRAMS_MS)
})
ava.on('close', (code) => {
  clearTimeout(waiting)
  if (hasLeft) console.log('\nTests have left programs behind, which were ended.')
  // AVA had told by then what failed, but for a file that did not exit, of which its own exit code would have told.
  close(hasLeft && results.pending.length === 0 ? 0 : (code ?? 1))
})
