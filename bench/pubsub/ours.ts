import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SECRET } from '../../test/helpers/prosody.ts'
import { Driver } from './driver.ts'
import { sizeNode, subscribeAll, untimed } from './measures.ts'
import { end, ready } from './processes.ts'
import type { Subscribed } from './servers.ts'
import { createNode, LOAD, publisher } from './stanzas.ts'

/** As it is installed: the build, without a compiler in between. */
const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** One account creates all nodes. */
const MANY = ['--pubsub-create', LOAD, '--pubsub-nodes-per-account-max', '1000000']

const LARGE = 100_000
/** What every database begins with. */
export const subscribed: Subscribed = { [sizeNode(LARGE)]: untimed(LARGE) }

/** `streamhost serve` with its database in this directory. */
async function serve(port: number, jid: string, directory: string): Promise<ChildProcess> {
  const log = `${directory}.log`
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STREAMHOST_')))
  const at = ['--service', `xmpp://127.0.0.1:${port}`, '--domain', jid, '--pubsub-only', '--data', directory]
  const child = spawn(process.execPath, [COMMAND, 'serve', '--json', ...at, ...MANY], {
    env: { ...environment, STREAMHOST_SECRET: SECRET },
    stdio: ['ignore', 'pipe', openSync(log, 'w')],
  })
  return ready(child).catch((cause) => {
    throw new Error(`serve: ${readFileSync(log, 'utf8')}`, { cause })
  })
}

/** The databases of this run, on the disk. */
export class Databases implements AsyncDisposable {
  readonly folder: string
  #first: Promise<string> | undefined

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(): Promise<Databases> {
    return new Databases(await mkdtemp(join(tmpdir(), 'streamhost-bench-')))
  }

  /** A new one, as its process has left it that took the subscriptions it begins with. */
  async serve(port: number, jid: string): Promise<ChildProcess> {
    this.#first ??= this.#fill(jid)
    const directory = await mkdtemp(join(this.folder, 'data-'))
    await cp(await this.#first, directory, { recursive: true })
    return serve(port, jid, directory)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  async #fill(address: string): Promise<string> {
    const directory = await mkdtemp(join(this.folder, 'first-'))
    const listening = await Driver.listen()
    const child = await serve(listening.port, address, directory)
    using driver = await listening.driver
    for (const [node, count] of Object.entries(subscribed)) {
      await driver.ask(publisher, address, createNode(node))
      await subscribeAll({ driver, address }, node, 0, count)
    }
    await end(child)
    return directory
  }
}
