import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import { run } from '../../src/cli/program.ts'
import { foreign } from '../helpers/foreign.ts'
import { TestTerminal } from '../helpers/terminal.ts'
import { makeFolder } from '../helpers/transfers.ts'

// Goal: what the shells of our users complete, found out by asking those shells.
// Method: bash with the words it would give the function, fish by its own question, zsh on a terminal of its own.

const call = promisify(execFile)

async function scriptFor(shell: string): Promise<string> {
  const [stdout, stderr] = [new TestTerminal(40), new TestTerminal()]
  const context = { environment: {}, signal: new AbortController().signal, onHangUp: () => {}, onExit: () => {} }
  const code = await run(['completion', shell], { streams: { stdout, stderr }, ...context })
  if (code !== 0) throw new Error(stderr.written)
  return stdout.written
}

const IN_BASH = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _streamhost; printf '%s\\n' "\${COMPREPLY[@]}"`

const askers = {
  bash: (script: string, line: string) => ['bash', ['-c', IN_BASH, 'bash', script, ...line.replaceAll('=', ' = ').split(' ')]],
  zsh: (script: string, line: string) => ['zsh', ['-f', resolve('test/helpers/complete.zsh'), script, line]],
  fish: (script: string, line: string) => ['fish', ['-N', '-c', 'source $argv[1]; complete -C $argv[2]', script, line]],
} as const satisfies Record<string, (script: string, line: string) => readonly [string, readonly string[]]>

/** A folder with two files and another folder, and the shell in it. */
async function setScene(t: ExecutionContext, shell: keyof typeof askers) {
  const folder = await makeFolder(t)
  const script = join(await makeFolder(t), 'script')
  await writeFile(script, await scriptFor(shell))
  await writeFile(join(folder, 'one file.txt'), '')
  await writeFile(join(folder, 'onion'), '')
  await mkdir(join(folder, 'only'))
  return async (line: string) => {
    const [program, args] = askers[shell](script, line)
    const { stdout } = await call(program, args, { cwd: folder, env: { ...process.env, HOME: folder, TERM: 'xterm' }, timeout: 60_000 })
    const words = stdout.split('\n').map((each) => each.split('\t')[0]?.replace(/\/$/, '').replaceAll('\\ ', ' ') ?? '')
    return [...new Set(words.filter((word) => word !== ''))].sort()
  }
}

for (const shell of ['bash', 'zsh', 'fish'] as const) {
  const test = foreign(`completion in ${shell}`, [shell])

  test(`${shell} completes commands, and those of a command`, async (t) => {
    const complete = await setScene(t, shell)
    t.deepEqual(await complete('streamhost se'), ['send', 'serve'])
    t.deepEqual(await complete('streamhost disco i'), ['info', 'items'])
    t.deepEqual(await complete('streamhost completion '), ['bash', 'fish', 'zsh'])
  })

  test(`${shell} completes the options of each command, and of no other`, async (t) => {
    const complete = await setScene(t, shell)
    t.deepEqual(await complete('streamhost send --n'), ['--negotiation'])
    t.deepEqual(await complete('streamhost receive --n'), ['--name'])
    t.deepEqual(await complete('streamhost disco info --nod'), ['--node'])
    t.deepEqual(await complete('streamhost serve --js'), ['--json'])
  })

  test(`${shell} completes the values of options that have a few`, async (t) => {
    const complete = await setScene(t, shell)
    t.deepEqual(await complete('streamhost send --method '), ['auto', 'direct', 'ibb', 'proxy'])
    t.deepEqual(await complete('streamhost send --to desk@example.org --hash s'), ['sha-256', 'sha3-256'])
    t.deepEqual(await complete('streamhost serve --log-level d'), ['debug'])
  })

  test(`${shell} completes files and folders, each where it belongs, and no JIDs`, async (t) => {
    const complete = await setScene(t, shell)
    t.deepEqual(await complete('streamhost send on'), ['one file.txt', 'onion', 'only'])
    t.deepEqual(await complete('streamhost send --password-file oni'), ['onion'])
    t.deepEqual(await complete('streamhost receive --into o'), ['only'])
    t.deepEqual(await complete('streamhost send --to o'), [])
  })
}

const inBash = foreign('completion in bash, with an equals sign', ['bash'])
inBash('bash completes behind --option=, too', async (t) => {
  const complete = await setScene(t, 'bash')
  t.deepEqual(await complete('streamhost send --method=p'), ['proxy'])
  t.deepEqual(await complete('streamhost send --method='), ['auto', 'direct', 'ibb', 'proxy'])
})
