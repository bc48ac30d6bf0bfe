import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { computeDstAddr } from '../../src/socks5/index.ts'
import { firstCpu } from '../usage.ts'
import { ACCOUNT, type Reach, TARGET } from './reach.ts'

/** So many ask for activations at once, so that no connection to a server is the narrow place. */
const REQUESTERS = 4
/** Where set-ups are not what is measured: no more than any listener has room for. */
const AT_ONCE = 4
const SECONDS_MAX = 120

/** What the generator is told; generator.h says what each means. */
export interface LoadSettings {
  readonly pairs: number
  /** In the making. */
  readonly atOnce?: number
  readonly helloBytes?: number
  readonly isClosing?: boolean
  readonly octets?: number
  readonly writeBytes?: number
  readonly sndbuf?: number
  readonly seconds?: number
  readonly roundTrips?: number
  readonly least?: number
  readonly deafEvery?: number
  /** On the processor the relay was pinned to. */
  readonly isPinned?: boolean
}

/** How a phase went. */
export interface Phase {
  readonly octets: number
  readonly seconds: number
  /** Of the generator itself. */
  readonly ownCpuSeconds: number
  readonly p50Us?: number
  readonly p99Us?: number
  /** Octets that came through one of those that have a reader, when some have none. */
  readonly least?: number
  readonly most?: number
}

let loads = 0

function argumentsOf(reach: Reach, settings: LoadSettings): string[] {
  const { pairs, atOnce = AT_ONCE, helloBytes, isClosing, octets, writeBytes, sndbuf, seconds, roundTrips, least, deafEvery } = settings
  const given = {
    pairs,
    relay: reach.port,
    sink: reach.sinkPort,
    'at-once': atOnce,
    hello: helloBytes,
    octets,
    write: writeBytes,
    sndbuf,
    seconds,
    least,
    'deaf-every': deafEvery,
  }
  const args = Object.entries({ ...given, 'round-trips': roundTrips }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  )
  if (isClosing) args.push('--closing')
  if (!reach.xmpp) return args
  const { local, password, domain } = ACCOUNT
  const plain = Buffer.from(`\0${local}\0${password}`).toString('base64')
  for (let index = 0; index < REQUESTERS; index += 1) args.push('--client', [reach.xmpp.port, domain, plain, `r${index}`].join(','))
  return [...args, '--proxy', reach.xmpp.proxy, '--target', TARGET]
}

/** A generator with its bytestreams; it goes with all of them. */
export class Load implements Disposable {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  }

  /** Settles once its accounts are logged in. */
  static async start(generator: string, reach: Reach, settings: LoadSettings): Promise<Load> {
    const command = [generator, ...argumentsOf(reach, settings)]
    const [program = '', ...args] = settings.isPinned ? ['taskset', '-c', firstCpu(), ...command] : command
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: SECONDS_MAX * 1000, killSignal: 'SIGKILL' })
    child.stdin?.on('error', () => {}) // It has ended: the next phase says so.
    const load = new Load(child)
    loads += 1
    const { local, domain } = ACCOUNT
    for (let index = 0; index < settings.pairs; index += 1) {
      const sid = `${process.pid}-${loads}-${index}`
      child.stdin?.write(`${sid} ${computeDstAddr(sid, `${local}@${domain}/r${index % REQUESTERS}`, TARGET)}\n`)
    }
    await load.#next('ready')
    return load
  }

  /** Makes all pairs, each activated and with what it has to say in its first moment. */
  open(): Promise<Phase> {
    return this.#go('open')
  }

  /** Has them carry what they are to carry. */
  carry(): Promise<Phase> {
    return this.#go('done')
  }

  #go(event: string): Promise<Phase> {
    this.#child.stdin?.write('go\n')
    return this.#next(event)
  }

  async #next(event: string): Promise<Phase> {
    const { value, done } = await this.#lines.next()
    if (done) {
      if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
      throw new Error(`the generator ended before "${event}" with ${this.#child.exitCode ?? this.#child.signalCode}`)
    }
    return JSON.parse(value) as Phase
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
