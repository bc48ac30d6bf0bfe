import type { Contender, Service } from './contenders.ts'
import type { Databases } from './ours.ts'
import type { Server, ServerKind } from './servers.ts'

/** What runs in one round; all is ended together. */
export class Running implements AsyncDisposable {
  readonly services = new Map<Contender, Service>()
  readonly #databases: Databases
  readonly #servers = new Map<ServerKind, Promise<Server>>()

  constructor(databases: Databases) {
    this.#databases = databases
  }

  async start(contender: Contender): Promise<void> {
    const { behind } = contender
    const server = behind && (this.#servers.get(behind) ?? behind.start(false))
    if (behind && server) this.#servers.set(behind, server)
    this.services.set(contender, await contender.start(await server, this.#databases))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.services.values()].map((service) => service[Symbol.asyncDispose]()))
    await Promise.allSettled([...this.#servers.values()].map(async (server) => (await server)[Symbol.asyncDispose]()))
  }
}
