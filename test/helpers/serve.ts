import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { TransferClient, type TransferClientInit } from '../../src/transfer/index.ts'
import { type Cli, startCli } from './cli.ts'
import { DOMAIN, PROXY } from './prosody.ts'
import type { Address } from './raw-client.ts'

const PASSWORD = 'pencil'

/** `streamhost serve --embedded` as a process of its own. */
export interface Serve {
  readonly cli: Cli
  /** Where its streamhost listens. */
  readonly streamhost: Address
  /** Logs one of its accounts in; the client goes with the test. */
  logIn(local: string, init?: Partial<TransferClientInit>): Promise<TransferClient>
  /** What a command needs to log in to one of its accounts: for `startCli`. */
  as(local: string): readonly [args: readonly string[], environment: Readonly<Record<string, string>>]
}

export interface ServeInit {
  readonly accounts: readonly string[]
  readonly args?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly on?: Parameters<typeof startCli>[3]
}

/** Starts it on free ports of 127.0.0.1, with JSON for a log; settles once it is ready. */
export async function startServe(t: ExecutionContext, { accounts, args = [], environment = {}, on }: ServeInit): Promise<Serve> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-serve-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const accountsFile = join(folder, 'accounts.toml')
  await writeFile(accountsFile, accounts.map((local) => `${local} = "${PASSWORD}"\n`).join(''))
  const listen = ['--listen', '127.0.0.1:0', '--embedded-listen', '127.0.0.1:0']
  const embedded = ['--domain', PROXY, '--embedded', '--embedded-accounts-file', accountsFile]
  const cli = startCli(t, ['serve', '--json', ...embedded, ...listen, ...args], environment, on)
  const { client, advertised } = (await cli.event('ready')) as unknown as { client: Address; advertised: [Address] }
  return {
    cli,
    streamhost: advertised[0],
    async logIn(local, init = {}) {
      const account = { jid: `${local}@${DOMAIN}`, password: PASSWORD, service: `xmpp://${client.host}:${client.port}` }
      const logged = await TransferClient.connect({ ...account, reconnect: false, ...init })
      t.teardown(() => logged[Symbol.asyncDispose]())
      return logged
    },
    as: (local) => [
      ['--json', '--account', `${local}@${DOMAIN}`],
      { STREAMHOST_PASSWORD: PASSWORD, STREAMHOST_SERVICE: `xmpp://${client.host}:${client.port}` },
    ],
  }
}
