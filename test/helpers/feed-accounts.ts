import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import type { FeedEvent } from '../../src/feeds/index.ts'
import type { Host } from './namespaces.ts'
import { ourProgram } from './our-programs.ts'
import { PUBSUB } from './serve-pubsub.ts'
import type { ServerUnderTest } from './server.ts'

/** What accounts in a process of their own are told to do; whoever is not there comes. */
export type FeedOrder = { readonly account: string; readonly node: string } & (
  | { readonly do: 'create' | 'subscribe' | 'leave' | 'look' }
  | { readonly do: 'watch'; readonly into: string }
  | { readonly do: 'offer'; readonly path: string }
)

/** What owners see of the queues of a feed. */
export interface QueuesSeen {
  /** Messages that nobody has acknowledged, by account. */
  readonly waiting: Readonly<Record<string, number>>
  readonly deadLetters: number
}

/** What happens to them. Behind `offered` the account is that of whoever asked, and it is told by the owner. */
export interface FeedFact {
  readonly fact:
    | FeedEvent['kind']
    | 'broken off'
    | 'begun again'
    | 'offered'
    | 'refused'
    | 'started'
    | 'opened'
    | 'sent'
    | 'cut'
    | 'obeyed'
    | 'not obeyed'
  readonly account: string
  /** Of an offer. */
  readonly id: string
  /** Of its file, where that is known. */
  readonly name?: string | undefined
  readonly sha256?: string | undefined
  readonly text?: string | undefined
  /** Of the bytestream: how octets travel, and the host that one end has connected to. */
  readonly method?: string
  readonly host?: string | undefined
  /** Of what was sent, or cut: octets that have left, in all attempts of it, and those that were there already. */
  readonly bytes?: number
  readonly resumedFrom?: number
  /** Of an order. */
  readonly number?: number
  readonly seen?: QueuesSeen | undefined
}

interface FeedAccountsInit {
  /** Where they run. Default: here. */
  readonly on?: Host
  /** Where they find their server. Default: where it listens. */
  readonly port?: number
}

/** How many times as fast as here time goes by for them. */
const HURRY = 6

/**
 * Accounts that watch feeds, and offer files there, in a process of their own, which ends with the test. Their time goes by faster: who
 * was asked and killed does not answer, and to wait for that would be most of a test.
 */
export class FeedAccounts extends EventEmitter<{ fact: [fact: FeedFact] }> {
  readonly #process
  readonly #domain: string
  readonly #orders = new Map<number, { resolve: (seen: QueuesSeen | undefined) => void; reject: (error: Error) => void }>()
  #number = 0

  constructor(t: ExecutionContext, { client, domain, account }: ServerUnderTest, { on, port }: FeedAccountsInit = {}) {
    super()
    this.#domain = domain
    const service = port === undefined ? `${client.host}:${client.port}` : `127.0.0.1:${port}`
    const command = ourProgram('test/helpers/feed-accounts-child.ts')
    const { password } = account('')
    this.#process = spawn(...(on?.command(process.execPath, command) ?? ([process.execPath, command] as const)), {
      env: { ...process.env, STREAMHOST_SERVICE: `xmpp://${service}`, STREAMHOST_PASSWORD: password, FEEDS_AT: PUBSUB, HURRY: `${HURRY}` },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    t.teardown(() => this.#process.kill('SIGKILL'))
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#hear(JSON.parse(line) as FeedFact))
    this.#process.once('exit', () => {
      for (const { reject } of this.#orders.values()) reject(new Error('they have ended'))
    })
  }

  /** Settles when it is done, with what was seen by whoever was to look. @throws Error that says why it could not be */
  order({ account, ...what }: FeedOrder): Promise<QueuesSeen | undefined> {
    const number = this.#number++
    return new Promise((resolve, reject) => {
      this.#orders.set(number, { resolve, reject })
      this.#process.stdin.write(`${JSON.stringify({ account: `${account}@${this.#domain}`, ...what, number })}\n`)
    })
  }

  #hear(fact: FeedFact): void {
    const { number, text } = fact
    if (number === undefined) return void this.emit('fact', fact)
    const { resolve, reject } = this.#orders.get(number) ?? {}
    this.#orders.delete(number)
    if (fact.fact === 'obeyed') resolve?.(fact.seen)
    else reject?.(new Error(text))
  }
}
