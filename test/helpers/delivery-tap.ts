import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import type { Host } from './namespaces.ts'
import { ourProgram } from './our-programs.ts'
import type { Address } from './raw-client.ts'

/** What happens to a message that waited in the queue of an account. */
export type DeliveryFact = { readonly account: string; readonly message: number } & (
  | { readonly fact: 'handed'; readonly offers: readonly string[] }
  /** By whoever had it; the service may not have heard of it. */
  | { readonly fact: 'acknowledged' }
  /** The service has said that it knows. */
  | { readonly fact: 'answered' }
)

/** What has happened to one message of one account; how often. */
interface Delivered {
  handed: number
  acknowledged: number
  answered: number
  handedAfterwards: number
}

/** What has gone by on the wire between a publish-subscribe service and its server, through all its lives. */
export class DeliveryTap {
  /** Where the service is to look for its server. */
  readonly address: Address
  readonly #delivered = new Map<string, Delivered>()
  /** Messages by the account and the offer they announce. */
  readonly #about = new Map<string, Set<string>>()

  private constructor(address: Address) {
    this.address = address
  }

  /** Begins to listen, until the test is over. @param on where the service runs; default: here */
  static async start(t: Pick<ExecutionContext, 'teardown'>, { host, port }: Address, on?: Host): Promise<DeliveryTap> {
    const command = [...ourProgram('test/helpers/delivery-tap-child.ts'), host, String(port)]
    const child = spawn(...(on?.command(process.execPath, command) ?? ([process.execPath, command] as const)), {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    const lines = createInterface({ input: child.stdout })
    return await new Promise((resolve) => {
      lines.once('line', (own) => {
        const tap = new DeliveryTap({ host: '127.0.0.1', port: Number(own) })
        lines.on('line', (line) => tap.#hear(JSON.parse(line) as DeliveryFact))
        resolve(tap)
      })
    })
  }

  /** How often that happened, to all messages. */
  count(what: keyof Delivered): number {
    return [...this.#delivered.values()].reduce((sum, each) => sum + each[what], 0)
  }

  /** How often an account has acknowledged an offer. */
  acknowledged(account: string, offer: string): number {
    const messages = this.#about.get(JSON.stringify([account, offer])) ?? []
    return [...messages].reduce((sum, key) => sum + (this.#delivered.get(key)?.acknowledged ?? 0), 0)
  }

  #hear(fact: DeliveryFact): void {
    const { account, message } = fact
    const key = JSON.stringify([account, message])
    const delivered = this.#delivered.get(key) ?? { handed: 0, acknowledged: 0, answered: 0, handedAfterwards: 0 }
    this.#delivered.set(key, delivered)
    delivered[fact.fact] += 1
    if (fact.fact !== 'handed') return
    if (delivered.answered > 0) delivered.handedAfterwards += 1
    for (const offer of fact.offers) {
      const about = JSON.stringify([account, offer])
      this.#about.set(about, (this.#about.get(about) ?? new Set()).add(key))
    }
  }
}
