import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEjabberd } from '../../test/helpers/ejabberd.ts'
import type { ForeignProgram } from '../../test/helpers/foreign-programs.ts'
import { DOMAIN, SECRET, startProsody } from '../../test/helpers/prosody.ts'
import { processTree } from '../usage.ts'
import { Driver } from './driver.ts'
import { LOAD, publisher, subscriber } from './stanzas.ts'

/** Of the module of the server itself, where it is measured. */
export const OWN = `own.${DOMAIN}`
/** Whoever is measured behind a server. */
export const BEHIND = ['nothing', 'pubsub'].map((name) => `${name}.${DOMAIN}`) as [nothing: string, pubsub: string]

/** An XMPP server with the driver on it. */
export interface Server extends AsyncDisposable {
  readonly driver: Driver
  readonly pids: readonly number[]
  /** Where a component connects. */
  port(jid: string): number
}

/** How many subscribers nodes have from the start. */
export type Subscribed = Readonly<Record<string, number>>

export interface ServerKind {
  readonly name: string
  readonly needs: readonly ForeignProgram[]
  /** Those that {@link start} has put into nodes of its own module, as it would take minutes to let them subscribe. */
  readonly subscribed?: Subscribed
  start(isOwn: boolean): Promise<Server>
}

const subscribed = { fan10000: 10_000 }

/** As mod_pubsub writes it. */
function nodeFile(node: string, count: number): string {
  const subscribers = Array.from({ length: count }, (_, index) => `["${subscriber(index)}"] = true;`)
  return `return {
["affiliations"] = { ["${publisher}"] = "owner"; };
["name"] = "${node}";
["subscribers"] = { ${subscribers.join('\n')} };
["config"] = { ["persist_items"] = true; ["notify_retract"] = false; ["max_items"] = 20; };
};`
}

const component = (jid: string): string => `Component "${jid}"\n  component_secret = "${SECRET}"\n`

/** As Debian configures it: storage and Nagle's algorithm as they are by default. Prosody limits what clients and servers send, not components. */
export const prosody: ServerKind = {
  ...{ name: 'Prosody', needs: ['prosody'], subscribed },
  async start(isOwn) {
    const folder = await mkdtemp(join(tmpdir(), 'streamhost-bench-'))
    const nodes = join(folder, OWN.replaceAll('.', '%2e'), 'pubsub_nodes')
    await mkdir(nodes, { recursive: true })
    for (const [node, count] of Object.entries(isOwn ? subscribed : {})) await writeFile(join(nodes, `${node}.dat`), nodeFile(node, count))
    const service = isOwn ? `Component "${OWN}" "pubsub"\n  admins = { "${publisher}" }\n` : BEHIND.map(component).join('')
    const server = await startProsody({
      configuration: `data_path = "${folder}"\n`,
      hosts: `VirtualHost "${DOMAIN}"\n${component(LOAD)}${service}`,
    })
    const driver = await Driver.dial(server.componentPort, SECRET)
    return {
      ...{ driver, pids: processTree(server.pid), port: () => server.componentPort },
      async [Symbol.asyncDispose]() {
        driver[Symbol.dispose]()
        await server[Symbol.asyncDispose]()
        await rm(folder, { recursive: true, force: true })
      },
    }
  },
}

/** As Debian configures its module: mnesia, and nodes that stand side by side. */
const ownPubsub = { host: OWN, access_createnode: 'all', ignore_pep_from_offline: true, last_item_cache: false, plugins: ['flat'] }

export const ejabberd: ServerKind = {
  ...{ name: 'ejabberd', needs: ['ejabberd'] },
  async start(isOwn) {
    const jids = [LOAD, ...(isOwn ? [] : BEHIND)]
    const server = await startEjabberd({
      ...{ domain: DOMAIN, accounts: {}, components: Object.fromEntries(jids.map((jid) => [jid, SECRET])) },
      ...(isOwn && { modules: { mod_pubsub: ownPubsub } }),
      // No scheduler waits busily: that would be counted as work.
      machineArguments: ['+K', 'true', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none'],
    })
    const driver = await Driver.dial(server.componentPorts.get(LOAD) as number, SECRET)
    return {
      ...{ driver, pids: processTree(server.pid), port: (jid) => server.componentPorts.get(jid) as number },
      async [Symbol.asyncDispose]() {
        driver[Symbol.dispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  },
}
