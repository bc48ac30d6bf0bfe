import { startCli } from '../helpers/cli.ts'
import { foreign } from '../helpers/foreign.ts'
import { losePackets, startStar } from '../helpers/namespaces.ts'
import { PROXY } from '../helpers/prosody.ts'
import { prosody } from '../helpers/server.ts'

// Goal: `serve` notices, in real time, that the network between it and its server loses every packet without a word, and
// comes back when it delivers again. test/session/keep-alive.test.ts has the same with a clock the test moves.

const test = foreign('a network that loses everything', ['namespaces', 'nftables', ...prosody.needs])

const SILENCE_MS_MAX = 60_000
/** For a machine that is busy. */
const GRACE_MS = 20_000

test('serve misses its server within a minute, and comes back', async (t) => {
  const { centre } = await startStar(t, { leaves: 0 })
  await using server = await prosody.start({ on: centre })
  const { host, port } = server.componentAt(PROXY)
  const args = ['serve', '--domain', PROXY, '--service', `xmpp://${host}:${port}`, '--listen', '127.0.0.1:0', '--json']
  const serve = startCli(t, args, { STREAMHOST_SECRET: server.secret }, centre)
  await serve.event('ready')
  const deliver = await losePackets(centre, port)
  const lostMs = performance.now()
  t.like(await serve.logged('the component is offline, and will try again'), { code: 'ERR_TIMEOUT' })
  const silenceMs = performance.now() - lostMs
  t.log(`noticed after ${Math.round(silenceMs / 1000)} s`)
  t.true(silenceMs < SILENCE_MS_MAX + GRACE_MS)
  await deliver()
  await serve.logged('the component is online')
})
