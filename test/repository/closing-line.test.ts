// Goal: `npm test` ends with what passed and what failed, names who could not run, and its exit code agrees.
// Method: the runner itself, on small projects in a temporary folder, in which Prosody is never found.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'

const root = join(import.meta.dirname, '..', '..')
const helper = pathToFileURL(join(root, 'test', 'helpers', 'foreign.ts')).href

const CONFIG =
  "export default { files: ['test/*.test.ts'], extensions: { ts: 'module' }, nodeArguments: ['--import=tsx'], workerThreads: false, timeout: '2m' }"

const passes = "test('one', (t) => t.pass())"
const fails = "test('two', (t) => t.fail())"
const crashes = "throw new Error('a file that cannot be loaded')"
const needsProsody = `
const suite = foreign('a talk with Prosody', ['prosody'])
suite.before(() => { throw new Error('must not run') })
suite('never', (t) => t.fail())
suite('nor this', suite.macro((t) => t.fail()))`

interface Outcome {
  readonly lines: readonly string[]
  readonly exitCode: number | null
}

/** Runs the runner on a project whose only test file has `body`. */
async function runTests(t: ExecutionContext, body: string, variables: Record<string, string> = {}): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'streamhost-closing-line-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'test'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'ava.config.js'), CONFIG)
  writeFileSync(join(folder, 'test', 'its.test.ts'), `import test from 'ava'\nimport { foreign } from '${helper}'\n${body}\n`)
  // Neither the AVA this runs in, nor where the programs of others are.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(AVA_|NODE_|CI$|FORCE_COLOR$|PATH$)/.test(name))
  const env = { ...Object.fromEntries(inherited), PATH: folder, ...variables }
  const runner = spawn(process.execPath, [join(root, 'scripts', 'test.js')], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [runner.stdout, runner.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const exitCode = await new Promise<number | null>((resolve) => runner.once('close', resolve))
  return { lines: output.trimEnd().split('\n'), exitCode }
}

test('all is well: the closing line says so', async (t) => {
  const { lines, exitCode } = await runTests(t, passes)
  t.is(lines.at(-1), '1 passed, 0 failed')
  t.is(exitCode, 0)
})

test('a failure does not hide what passed', async (t) => {
  const { lines, exitCode } = await runTests(t, `${passes}\n${fails}`)
  t.is(lines.at(-1), '1 passed, 1 failed')
  t.is(exitCode, 1)
})

test('a file that cannot be loaded is a failure, although none of its tests is', async (t) => {
  const { lines, exitCode } = await runTests(t, `${passes}\n${crashes}`)
  t.is(lines.at(-1), '0 passed, 1 failed')
  t.is(exitCode, 1)
})

test('a suite that lacks the program of others is named with its reason, and nothing of it runs', async (t) => {
  const { lines, exitCode } = await runTests(t, `${passes}\n${needsProsody}`)
  t.is(lines.at(-1), '1 passed, 0 failed, 1 skipped')
  t.true(lines.includes('  a talk with Prosody could not run: prosody (Debian: prosody) not found'))
  t.is(exitCode, 0)
})

test('what failed is shown behind who could not run, at the end of a long log', async (t) => {
  const { lines, exitCode } = await runTests(t, `${passes}\ntest('three', (t) => t.is('what came', 'what was wanted'))\n${needsProsody}`)
  const skipped = lines.lastIndexOf('  a talk with Prosody could not run: prosody (Debian: prosody) not found')
  const difference = lines.findIndex((line) => line.includes('what was wanted'))
  t.true(skipped >= 0)
  t.true(difference > skipped, `the difference is line ${difference}`)
  t.is(lines.at(-1), '1 passed, 1 failed, 1 skipped')
  t.is(exitCode, 1)
})

// As after its time AVA tells what is pending when it is interrupted; an AVA that is gone meanwhile has left us to somebody else.
const interrupts = `
const parent = process.ppid
setInterval(() => {}, 60_000)
const interrupt = () => setTimeout(() => process.ppid === parent && process.kill(parent, 'SIGINT'), 1_000)`

test('what never came to an end is named, behind who could not run', async (t) => {
  const waits = `${interrupts}\ntest('four', () => new Promise(interrupt))`
  const { lines, exitCode } = await runTests(t, `${waits}\n${needsProsody}`)
  const skipped = lines.lastIndexOf('  a talk with Prosody could not run: prosody (Debian: prosody) not found')
  t.true(skipped >= 0)
  t.deepEqual(lines.slice(lines.indexOf('Not over when AVA gave up:')), [
    'Not over when AVA gave up:',
    '  four',
    '',
    '0 passed, 1 failed, 1 skipped',
  ])
  t.true(lines.indexOf('Not over when AVA gave up:') > skipped)
  t.is(exitCode, 1)
})

/** A test that leaves a program behind, which holds its standard error, and connects to a port. */
const leaves = (port: number, then: string) => `
import { spawn } from 'node:child_process'
test('five', (t) => new Promise((resolve) => {
  const program = "require('node:net').connect(${port}, '127.0.0.1', () => console.log('connected'))"
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.once('data', () => {
    child.stdout.destroy()
    child.unref()
    t.pass()
    ${then}
  })
}))`

for (const [how, before, then, closing] of [
  ['passes', '', 'resolve()', '1 passed, 0 failed'],
  ['is given up', interrupts, 'interrupt()', '0 passed, 1 failed'],
] as const) {
  test(`a program that a test leaves behind, which ${how}, is ended, and not waited for`, async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const ended = once(server, 'connection').then(([socket]: Socket[]) => {
      t.teardown(() => socket?.destroy())
      return socket && once(socket.resume(), 'close')
    })
    const { lines, exitCode } = await runTests(t, `${before}\n${leaves((server.address() as AddressInfo).port, then)}`)
    t.is(lines.at(-1), closing)
    t.is(lines.includes('Tests have left programs behind, which were ended.'), how === 'passes')
    t.is(exitCode, how === 'passes' ? 0 : 1)
    await ended
  })
}

test('a file that does not exit when its tests are over is named', async (t) => {
  const { lines, exitCode } = await runTests(t, `${interrupts}\n${passes}\ntest.after.always(() => void interrupt())`)
  t.deepEqual(lines.slice(lines.indexOf('Not over when AVA gave up:')), [
    'Not over when AVA gave up:',
    '  test/its.test.ts, whose tests are over',
    '',
    '1 passed, 1 failed',
  ])
  t.is(exitCode, 1)
})

test('with CI=true, a suite that lacks the program of others is a failure', async (t) => {
  const { lines, exitCode } = await runTests(t, `${passes}\n${needsProsody}`, { CI: 'true' })
  t.is(lines.at(-1), '1 passed, 1 failed')
  t.is(exitCode, 1)
})
