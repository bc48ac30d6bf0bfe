import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { processTree } from '../usage.ts'

/** Milliseconds one program may take; afterwards it is ended, and its run has failed. */
const RUN_MS_MAX = 120_000
/** The shell's own `time` counts everything a program has started and waited for, to the millisecond. */
const SCRIPT = 'TIMEFORMAT="%U %S"; { time "$@" 2>&4; } 4>&2 2>&3'

interface TimedInit {
  readonly environment?: Readonly<Record<string, string>>
  /** Paths instead of pipes. */
  readonly from?: string
  readonly into?: string
}

const running = new Set<Timed>()

/** A program whose CPU time counts. */
export class Timed {
  /** Seconds of CPU time, its children's included; rejects with what it said when it fails. */
  readonly cpuSeconds: Promise<number>
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  #onLine = () => {}
  #isOver = false

  constructor(program: string, args: readonly string[], { environment, from, into }: TimedInit = {}) {
    const [input, output] = [from && openSync(from, 'r'), into && openSync(into, 'w')]
    const stdio = [input || 'ignore', output || 'pipe', 'pipe', 'pipe'] as SpawnOptions['stdio']
    const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env // 0.03 s of each start of Node, which few machines have.
    this.#child = spawn('bash', ['-c', SCRIPT, 'bash', program, ...args], { stdio, env: { ...inherited, ...environment } })
    for (const descriptor of [input, output]) if (descriptor) closeSync(descriptor)
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line))
    running.add(this)
    this.cpuSeconds = this.#follow(program)
    this.cpuSeconds.catch(() => {}) // Looked at by whoever waits for it.
  }

  /** The first JSON object on its standard output with this event. */
  async event(name: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      for (const line of this.#lines) {
        const facts = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {}
        if (facts['event'] === name) return facts
      }
      if (this.#isOver) {
        await this.cpuSeconds
        throw new Error(`it ended without a word of ${name}`)
      }
      await new Promise<void>((resolve) => {
        this.#onLine = resolve
      })
    }
  }

  /** Ends it, and all it has started. */
  kill(): void {
    for (const pid of processTree(this.#child.pid as number).reverse()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {} // It has ended meanwhile.
    }
  }

  /** Ends all that run. */
  static killAll(): void {
    for (const one of running) one.kill()
  }

  #hear(line: string): void {
    this.#lines.push(line)
    this.#onLine()
  }

  async #follow(program: string): Promise<number> {
    const [said, times] = [collect(this.#child.stderr as Readable), collect(this.#child.stdio[3] as Readable)]
    const timer = setTimeout(() => this.kill(), RUN_MS_MAX)
    const [code] = (await once(this.#child, 'close')) as [number | null]
    clearTimeout(timer)
    this.#isOver = true
    running.delete(this)
    this.#onLine()
    if (code !== 0) throw new Error(`${program} ended with ${code ?? 'a signal'}: ${said().trim()}`)
    return times()
      .trim()
      .split(' ')
      .reduce((sum, seconds) => sum + Number(seconds), 0)
  }
}

function collect(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  return () => text
}
