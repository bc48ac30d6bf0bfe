import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { ExecutionContext } from 'ava'
import type { RelayEnd, StreamhostCounters, StreamhostGauges } from '../../src/streamhost/index.ts'
import { compiled } from './our-programs.ts'
import type { Address } from './raw-client.ts'

/** What the service is told: settings by their names, as on the command line, and the accounts of its embedded server. */
export interface ServiceFlags {
  readonly flags: Readonly<Record<string, unknown>>
  readonly accounts: readonly { readonly local: string; readonly password: string }[]
  /** Whether each pair is activated as soon as both its sockets wait, without anybody asking for it. */
  readonly isActivating?: boolean
  /** Of its process, beside that of the test. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface Started {
  readonly client: Address
  readonly streamhost: Address
}

/** What a service says of itself. */
export interface Look {
  readonly engine: string
  readonly gauges: StreamhostGauges
  readonly counters: StreamhostCounters
  /** Octets of the bytestreams that are over, both directions, by how they ended. */
  readonly moved: Readonly<Record<RelayEnd, number>>
  /** What keeps the process alive, by kind. */
  readonly resources: readonly string[]
  /** Without pipes, of which the native engine keeps some. */
  readonly descriptors: number
  /** After the garbage was collected. */
  readonly heapBytes: number
  readonly residentBytes: number
}

export interface ServiceChild extends Started {
  readonly pid: number
  look(): Promise<Look>
  /** Tells it to end, as `serve` is told, and settles with its exit code. */
  terminate(): Promise<number | null>
}

/** Starts a service in a process of its own, which ends with the test. */
export async function startServiceChild(t: ExecutionContext, flags: ServiceFlags): Promise<ServiceChild> {
  const child = fork(compiled('test/helpers/service-main.ts'), {
    execArgv: ['--enable-source-maps'],
    env: { ...process.env, ...flags.environment },
  })
  t.teardown(() => child.kill())
  child.once('exit', (code) => void (code && t.fail(`the service has ended with ${code}`)))
  child.send(flags)
  const [started] = (await once(child, 'message')) as [Started]
  return {
    ...started,
    pid: child.pid as number,
    async terminate() {
      child.kill('SIGTERM')
      return (await once(child, 'exit'))[0] as number | null
    },
    async look() {
      child.send('look')
      return (await once(child, 'message'))[0] as Look
    },
  }
}
