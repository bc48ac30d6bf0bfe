// Question: how long until the first octet, when direct candidates are black holes (packets are lost, nobody refuses), and
// what do staggered attempts save against trying one candidate after the other?
// Method: a network namespace of its own, with a cable that loses every packet. Two sides of the Jingle transport, an
// embedded server and a proxy, which the initiator offers; it, or the responder, offers so many addresses beyond the cable
// beside that. The time runs from when both have accepted until the receiver has the first octet; median of five. The twin is
// the same code with the time of a whole attempt as head start of each candidate. Needs root, for the namespace.

import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Bytestream, defaultTimings, type JingleTransportInit } from '../src/bytestreams/index.ts'
import { systemClock } from '../src/core/index.ts'
import { EmbeddedServer } from '../src/embedded/index.ts'
import { clientConnector, Session } from '../src/session/index.ts'
import type { JingleRole } from '../src/xep/index.ts'
import { joinTransports } from '../test/helpers/jingle-wire.ts'
import { startProxy } from '../test/helpers/proxy.ts'

const RUNS = 5
const HOLES = [0, 1, 3, 8]
const DOMAIN = 'localhost'
const PROXY = `proxy.${DOMAIN}`
const SECRET = 'secret of the proxy'
const { attemptMsMax, staggerMs, proxyHeadStartMs } = defaultTimings
const oneAfterTheOther = { staggerMs: attemptMsMax, proxyHeadStartMs: attemptMsMax }

if (process.argv[2] === 'inside') await measure()
else {
  const self = [...process.execArgv, fileURLToPath(import.meta.url), 'inside']
  const { status, error } = spawnSync('unshare', ['--net', process.execPath, ...self], { stdio: 'inherit' })
  if (error) throw error
  process.exitCode = status ?? 1
}

async function measure(): Promise<void> {
  layHoles()
  console.log("black holes    the initiator's    the responder's    of that head starts    the initiator's, one after the other")
  for (const holes of HOLES) {
    const initiators = await medianOf(RUNS, { initiator: holes, responder: 0 })
    const responders = await medianOf(RUNS, { initiator: 0, responder: holes })
    // Which takes ten seconds for each of them.
    const twin =
      holes <= 1
        ? `${Math.round(await medianOf(1, { initiator: holes, responder: 0 }, { timings: oneAfterTheOther }))} ms`
        : `${(holes * attemptMsMax) / 1000} s (reckoned)`
    const byDesign = holes === 0 ? 0 : (holes - 1) * staggerMs + proxyHeadStartMs
    const ms = (value: number, width: number) => `${Math.round(value)} ms`.padStart(width)
    console.log([String(holes).padStart(11), ms(initiators, 15), ms(responders, 15), ms(byDesign, 19), twin.padStart(36)].join('    '))
  }
}

/** Addresses beyond a cable whose other end takes everything and passes on nothing. */
function layHoles(): void {
  const ip = (command: string) => execFileSync('ip', command.split(' '))
  ip('link set lo up')
  ip('link add hole type veth peer name pit')
  ip('address add 192.0.2.254/24 dev hole')
  for (const end of ['hole', 'pit']) ip(`link set ${end} up`)
  for (let at = 1; at <= Math.max(...HOLES); at += 1) ip(`neighbour add 192.0.2.${at} lladdr 02:00:00:00:00:01 dev hole nud permanent`)
}

type Holes = Readonly<Record<JingleRole, number>>

async function medianOf(runs: number, holes: Holes, init: JingleTransportInit = {}): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < runs; run += 1) times.push(await firstOctet(holes, init))
  return times.sort((one, other) => one - other)[Math.floor(runs / 2)] as number
}

/** @returns milliseconds */
async function firstOctet(holes: Holes, init: JingleTransportInit): Promise<number> {
  const endings: (() => unknown)[] = []
  const t = { teardown: (ending: () => unknown) => void endings.unshift(ending) }
  try {
    const { logIn } = await startNetwork(t)
    const beyond = (role: JingleRole) =>
      Array.from({ length: holes[role] }, (_, at) => ({ host: '127.0.0.1', port: 0, forwarded: { host: `192.0.2.${at + 1}`, port: 7777 } }))
    const wire = await joinTransports(t, {
      initiator: { session: await logIn('from'), forwarded: beyond('initiator'), init: { ownHosts: [] } },
      responder: { session: await logIn('to'), forwarded: beyond('responder'), init: { ownHosts: [], ...init } },
    })
    const start = performance.now()
    wire.begin()
    const [sent, received] = (await Promise.all([wire.initiator.opened, wire.responder.opened])) as [Bytestream, Bytestream]
    if (received.method !== 'proxy') throw new Error(`the way was ${received.method}`)
    sent.stream.write('1')
    await once(received.stream, 'readable')
    const ms = performance.now() - start
    sent.reset()
    received.stream.destroy()
    return ms
  } finally {
    for (const ending of endings) await ending()
  }
}

/** A server, a proxy at it, and sessions of its accounts, until the run is over. */
async function startNetwork(t: { teardown(ending: () => unknown): void }) {
  const accounts = ['from', 'to'].map((local) => ({ local, password: 'pencil' }))
  const listen = { host: '127.0.0.1', port: 0 }
  const components = [{ jid: PROXY, secret: SECRET }]
  const server = new EmbeddedServer({}, { domain: DOMAIN, accounts, components, clientListen: listen, componentListen: listen })
  const { client, component } = await server.listen()
  t.teardown(() => server.close())
  const proxy = await startProxy({ domain: DOMAIN, secret: SECRET, componentAt: () => component }, { jid: PROXY })
  t.teardown(() => proxy[Symbol.asyncDispose]())
  const logIn = async (local: string) => {
    const account = { jid: `${local}@${DOMAIN}`, password: 'pencil', service: `xmpp://${client.host}:${client.port}` }
    const session = new Session({}, clientConnector(systemClock, account), { reconnect: 'never' })
    t.teardown(() => session.stop())
    await session.start()
    return session
  }
  return { logIn }
}
