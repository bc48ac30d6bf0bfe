// Goal: a process, or a thread of it, with a native relay ends at any moment as if it had none; an idle relay keeps no
// process alive, a bytestream does.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { nativeSuite } from '../helpers/native.ts'

const test = nativeSuite('processes with a native relay')

const CHILD = join(import.meta.dirname, '..', 'helpers', 'native-child.ts')

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly said: string
}

/** @param onSaid told of what it said on its standard output, each time */
function run(ending: string, onSaid: (said: string, kill: (signal: NodeJS.Signals) => void) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--import=tsx', CHILD, ending], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    onSaid(said, (signal) => child.kill(signal))
  })
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, said })))
}

const ends: Readonly<Record<string, Ended>> = {
  'starts a relay': { code: 0, signal: null, said: '' },
  'has an idle relay after a bytestream': { code: 0, signal: null, said: 'end\n' },
  'has nothing but a bytestream': { code: 0, signal: null, said: 'moved\nend\n' },
  'exits right after a relay was started': { code: 0, signal: null, said: '' },
  'throws while bytestreams run': { code: 1, signal: null, said: '' },
  'throws when it hears of an end': { code: 0, signal: null, said: 'uncaught: thrown on purpose\n' },
  'stops and exits': { code: 0, signal: null, said: '' },
  'ends threads while bytestreams run': { code: 0, signal: null, said: 'terminated\n' },
  'lets threads end by themselves': { code: 0, signal: null, said: 'end\nthrown on purpose\nover\n' },
}

for (const [ending, expected] of Object.entries(ends)) {
  test(`a process that ${ending} ends as it would without`, async (t) => {
    const { said, ...rest } = await run(ending)
    // Threads speak in any order.
    t.deepEqual({ ...rest, said: said.split('\n').sort() }, { ...expected, said: expected.said.split('\n').sort() })
  })
}

for (const ending of ['exits while bytestreams run', 'exits right after a bytestream was added']) {
  test(`a process that ${ending}, ends, each of three times`, async (t) => {
    for (let round = 0; round < 3; round++) t.deepEqual(await run(ending), { code: 0, signal: null, said: '' })
  })
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} ends a process while bytestreams run`, async (t) => {
    const ended = await run('waits for a signal while bytestreams run', (_said, kill) => kill(signal))
    t.deepEqual(ended, { code: null, signal, said: 'busy\n' })
  })
}
