import { randomBytes } from 'node:crypto'
import { loadSettings, serveOptions } from '../config/index.ts'
import { BytestreamError, orAbort } from '../core/index.ts'
import type { Service } from '../service.ts'
import { TransferClient } from '../transfer/index.ts'
import type { Run } from './command-line.ts'

/** Where the server of a demo is, by name. */
export const DEMO_DOMAIN = 'localhost'

export interface DemoStageInit {
  /** The address of our service. */
  readonly domain: string
  /** Local parts of the accounts there are. */
  readonly locals: readonly string[]
  /** Settings of `serve`, besides. */
  readonly flags?: Readonly<Record<string, unknown>>
}

/** No other command but `serve` needs what it brings. Where `using` stands beside it, tsc would leave this path as it is. */
const loadService = () => import('../service.ts')

const makePassword = () => randomBytes(12).toString('base64url')

/** What a demo plays on: an XMPP server on this machine, our service behind it, and accounts made for the purpose. */
export class DemoStage implements AsyncDisposable {
  readonly service: Service
  readonly #passwords: ReadonlyMap<string, string>
  readonly #run: Run

  static async make({ domain, locals, flags = {} }: DemoStageInit, run: Run): Promise<DemoStage> {
    const here = { domain, embedded: true, listen: ['127.0.0.1:0'], 'embedded-listen': '127.0.0.1:0' }
    const settings = loadSettings(serveOptions, { flags: { ...here, ...flags }, environment: {} })
    const { Service } = await loadService()
    const passwords = new Map(locals.map((local) => [local, makePassword()]))
    const accounts = [...passwords].map(([local, password]) => ({ local, password }))
    return new DemoStage(new Service({ logger: run.logger }, { settings, secret: makePassword(), accounts }), passwords, run)
  }

  private constructor(service: Service, passwords: ReadonlyMap<string, string>, run: Run) {
    this.service = service
    this.#passwords = passwords
    this.#run = run
  }

  /** Where clients connect to. @throws BytestreamError `ERR_INTERNAL` before it has started */
  get server(): { readonly host: string; readonly port: number } {
    const { clientAddress } = this.service
    if (!clientAddress) throw new BytestreamError('ERR_INTERNAL', 'the embedded server has no address')
    return clientAddress
  }

  /** @throws BytestreamError as {@link Service.start}; why the signal is aborted */
  async start(): Promise<void> {
    await orAbort(this.service.start(), this.#run.signal)
  }

  /** A client of an account. @throws BytestreamError as {@link TransferClient.connect} */
  logIn(local: string, init: { readonly concurrency?: number } = {}): Promise<TransferClient> {
    const { host, port } = this.server
    const { logger, signal } = this.#run
    return TransferClient.connect(
      {
        ...init,
        jid: `${local}@${DEMO_DOMAIN}`,
        password: this.#passwords.get(local) ?? '',
        service: `xmpp://${host}:${port}`,
        reconnect: false,
        mayConnect: () => true, // Where everything is on this machine, so is whoever is connected to.
        signal,
      },
      { logger },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]()
  }
}
