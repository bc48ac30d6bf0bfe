import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { EmbeddedServerInit, ListenAddress } from '../../src/embedded/index.ts'
import type { Host } from './namespaces.ts'
import { ourProgram } from './our-programs.ts'

/** The embedded server as a process of its own, which can be killed as other servers can. */
export interface EmbeddedProcess extends AsyncDisposable {
  readonly client: ListenAddress
  readonly component: ListenAddress
  /** Ends it at once, as `kill -9` does; `start` brings it back on the same ports. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** @param on where it runs. Default: here */
export async function startEmbeddedProcess(init: EmbeddedServerInit, on?: Host): Promise<EmbeddedProcess> {
  let child: ChildProcess | undefined
  const run = async (given: EmbeddedServerInit) => {
    const args = [...ourProgram('test/helpers/embedded-main.ts'), JSON.stringify(given)]
    child = spawn(...(on?.command(process.execPath, args) ?? ([process.execPath, args] as const)), { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the embedded server ended')))
    ended.catch(() => {}) // Once it has started, it may.
    const [line] = (await Promise.race([once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line'), ended])) as [
      string,
    ]
    return JSON.parse(line) as Pick<EmbeddedProcess, 'client' | 'component'>
  }
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const { client, component } = await run(init)
  return {
    client,
    component,
    kill,
    start: async () => void (await run({ ...init, clientListen: client, componentListen: component })),
    [Symbol.asyncDispose]: kill,
  }
}
