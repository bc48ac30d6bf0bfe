import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import type { Host } from './namespaces.ts'

/** What a client of somebody else tells: a line of JSON on its standard output. */
export interface Fact {
  readonly event: 'online' | 'message' | 'sent' | 'received' | 'failed' | 'done' | 'item' | 'retracted' | 'deleted'
  readonly jid?: string
  /** Of the library. */
  readonly version?: string
  readonly from?: string
  readonly body?: string
  readonly file?: string
  readonly reason?: string
}

export interface ForeignClientInit {
  /** A program of `test/interop/peers/`, and what it is told. */
  readonly command: readonly [program: string, ...args: string[]]
  readonly password: string
  readonly environment?: Readonly<Record<string, string>>
  /** Where it runs. Default: here. */
  readonly on?: Host | undefined
}

/** A client of somebody else, driven by lines of JSON; it ends with the test. */
export class ForeignClient {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #facts: Fact[] = []
  #onFact: (() => void) | undefined
  #isOver = false

  constructor(t: ExecutionContext, { command: [program, ...args], password, environment, on }: ForeignClientInit) {
    this.#process = spawn(...(on?.command(program, args) ?? ([program, args] as const)), {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...environment, PASSWORD: password },
    })
    createInterface({ input: this.#process.stdout })
      .on('line', (line) => this.#push(JSON.parse(line) as Fact))
      .on('close', () => {
        this.#isOver = true
        this.#onFact?.()
      })
    const complaints: string[] = []
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text))
    this.#process.stdin.on('error', () => {}) // It has ended: next() tells.
    // Its output is closed by the last process it has started, too.
    const closed = once(this.#process, 'close')
    t.teardown(async () => {
      this.#process.kill('SIGKILL')
      await closed
      if (!t.passed) t.log(complaints.join(''))
    })
  }

  /** What the client tells next: `failed` when it has ended. */
  async next(): Promise<Fact> {
    while (this.#facts.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#onFact = resolve
      })
    }
    return this.#facts.shift() ?? { event: 'failed', reason: 'it has ended' }
  }

  /** @returns what the client tells next, which has to be this */
  async heard(event: Fact['event']): Promise<Fact> {
    const fact = await this.next()
    if (fact.event !== event) throw new Error(`the client said ${JSON.stringify(fact)} instead of ${event}`)
    return fact
  }

  /** Tells the client what to do. */
  order(what: object): void {
    this.#process.stdin.write(`${JSON.stringify(what)}\n`)
  }

  /** Logs out. */
  async close(): Promise<number> {
    this.#process.stdin.end()
    const [code] = await once(this.#process, 'exit')
    return code as number
  }

  #push(fact: Fact): void {
    this.#facts.push(fact)
    this.#onFact?.()
  }
}
