// Goal: however few descriptors there are, `serve` lives, its component answers, and sockets are accepted again.
// Method: the service runs with a small `ulimit -n` and a setting that promises more; then the limit of the running process
// is lowered below what it has open (prlimit), which is what anything else that takes its descriptors would do to it.

import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { buildAddressRequest, parseStreamhosts } from '../../src/xep/index.ts'
import { withDescriptors } from '../helpers/cli.ts'
import { foreign } from '../helpers/foreign.ts'
import { accountsOf, transferAll } from '../helpers/load.ts'
import { connectPeer } from '../helpers/peer.ts'
import { PROXY } from '../helpers/prosody.ts'
import { type Serve, startServe } from '../helpers/serve.ts'
import { dstAddrOf, handshake, join, replyOctets } from '../helpers/streamhost.ts'

const test = foreign('serve without descriptors', ['prlimit'])

/** Enough for loading the sources, of which many are read at once. */
const DESCRIPTORS = 256
/** A quarter is for everything else. */
const SOCKETS = 192

const descriptorsOf = ({ cli }: Serve): number[] => readdirSync(`/proc/${cli.child.pid}/fd`).map(Number)

/** Beyond the numbers in use there are none from now on; without a number, as many as at the start. */
function limitDescriptors({ cli }: Serve, count: number): void {
  execFileSync('prlimit', ['--pid', `${cli.child.pid}`, `--nofile=${count}:`])
}

/** The sockets of the look at itself are gone when it says so. */
const LOOKED = 'looked from this machine: clients can find the proxy, and reach it'

/** The component answers a new client of the embedded server, which takes a descriptor, too. */
async function isOnline({ logIn }: Serve, local: string): Promise<boolean> {
  const { session } = await logIn(local)
  const answer = await session.request({ type: 'get', to: PROXY, payload: buildAddressRequest() })
  return answer !== undefined && parseStreamhosts(answer).length === 1
}

test('told to open more sockets than it has descriptors for, serve warns, refuses before it has none, and goes on', async (t) => {
  const args = ['--open-sockets-max', '4096', '--open-per-source-max', '4096']
  const serve = await startServe(t, { accounts: [...accountsOf(1), 'witness'], args, on: withDescriptors(DESCRIPTORS) })
  const warning = await serve.cli.logged(
    'fewer sockets can be open than --open-sockets-max promises: raise ulimit -n (LimitNOFILE= of a systemd unit), or lower the setting',
  )
  t.like(warning, { level: 40, promised: 4_096, openSocketsMax: SOCKETS, descriptors: DESCRIPTORS })

  await serve.cli.logged(LOOKED)
  const waiting = []
  for (let number = 0; number < SOCKETS; number += 1) waiting.push(await join(t, serve.streamhost, dstAddrOf(number)))
  for (let number = 0; number < SOCKETS; number += 1) {
    const peer = await connectPeer(t, serve.streamhost)
    t.is((await peer.readAll()).length, 0)
    peer.end()
  }
  t.like(await serve.cli.logged('turned a socket away: a limit is reached'), { level: 40, code: 'ERR_LIMIT_SOCKETS', suppressed: 0 })
  t.true(descriptorsOf(serve).length < DESCRIPTORS)
  t.true(await isOnline(serve, 'witness'))

  for (const peer of waiting.slice(0, 8)) peer.end()
  await Promise.all(waiting.slice(0, 8).map((peer) => peer.readAll()))
  t.is((await transferAll(t, serve, [100_000, 200_000])).bytes, 300_000)
  t.is(serve.cli.child.exitCode, null)
})

test('a limit that is kept is not warned about', async (t) => {
  const { cli } = await startServe(t, { accounts: [], args: ['--open-sockets-max', `${SOCKETS}`], on: withDescriptors(DESCRIPTORS) })
  cli.child.kill('SIGTERM')
  const { stderr } = await cli.ended
  t.notRegex(stderr, /ulimit/)
  t.regex(stderr, /the component is online/)
})

test('while a process has no descriptor left its listener closes what comes, and accepts again afterwards (EMFILE)', async (t) => {
  const serve = await startServe(t, { accounts: [...accountsOf(1), 'witness'] })
  await serve.cli.logged(LOOKED)
  const witness = await serve.logIn('witness')
  const ask = () => witness.session.request({ type: 'get', to: PROXY, payload: buildAddressRequest() })
  const waiting = await join(t, serve.streamhost, dstAddrOf(1))

  const open = new Set(descriptorsOf(serve))
  let free = 0
  while (open.has(free)) free += 1
  limitDescriptors(serve, free)
  for (let number = 0; number < 50; number += 1) {
    const peer = await connectPeer(t, serve.streamhost)
    t.is((await peer.readAll()).length, 0)
    peer.end()
  }
  t.truthy(await ask())

  // Without even the one that libuv keeps for this, what comes stays in the kernel's queue.
  limitDescriptors(serve, 0)
  const patient = await connectPeer(t, serve.streamhost)
  for (let turn = 0; turn < 20; turn += 1) t.truthy(await ask())

  limitDescriptors(serve, 4_096)
  t.deepEqual(await handshake(patient, dstAddrOf(1)), replyOctets(0, dstAddrOf(1)))
  t.is((await transferAll(t, serve, [100_000])).bytes, 100_000)
  for (const peer of [waiting, patient]) {
    peer.end()
    t.is((await peer.readAll()).length, 0)
  }
  serve.cli.child.kill('SIGTERM')
  t.is((await serve.cli.ended).code, 0)
})
