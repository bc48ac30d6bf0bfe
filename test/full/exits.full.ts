// `serve` is told to end, or is killed, while 100 bytestreams run, at a moment of chance.

import test, { type ExecutionContext } from 'ava'
import { relayEngines } from '../helpers/relay-engines.ts'
import { startBytestreams } from '../helpers/running-bytestreams.ts'
import { seedOf } from '../helpers/seed.ts'

const MIB = 2 ** 20
const BYTESTREAMS = 100
/** Longer than any test: who ends in time did not wait for it. */
const HOURS = ['--drain-time-max', '9h']

for (const { name: engine, environment } of relayEngines) {
  // Of a kill no program hears; the sockets of native code are set for it.
  const isResetByKill = engine === 'splice'
  const start = async (t: ExecutionContext, args: readonly string[]) => {
    const seed = seedOf(t)
    const bytestreams = await startBytestreams(t, BYTESTREAMS, args, environment)
    const bytes = (seed % 64) * MIB
    await bytestreams.flow(bytes)
    return bytestreams
  }

  for (const round of ['', ', again']) {
    test.serial(`SIGTERM with the ${engine} engine, and peers that come to an end: every octet arrives, 0${round}`, async (t) => {
      const { cli, pairs, end, closed } = await start(t, HOURS)
      cli.child.kill('SIGTERM')
      await cli.logged('stopping: running bytestreams may finish')
      end()
      const ends = await closed()
      t.is((await cli.ended).code, 0)
      t.deepEqual(new Set(ends), new Set(['end']))
      for (const [one, other] of pairs) {
        t.deepEqual([one.heard, other.heard], [other.said, one.said])
        t.true(one.isWhole && other.isWhole)
      }
    })

    test.serial(`SIGTERM with the ${engine} engine, and peers that go on: resets, 0${round}`, async (t) => {
      const { cli, pairs, closed } = await start(t, ['--drain-time-max', '100ms'])
      cli.child.kill('SIGTERM')
      await isCutOff(t, pairs, closed)
      t.is((await cli.ended).code, 0)
    })

    test.serial(`SIGINT, and again, with the ${engine} engine: resets, 130${round}`, async (t) => {
      const { cli, pairs, closed } = await start(t, HOURS)
      cli.child.kill('SIGINT')
      await cli.logged('stopping: running bytestreams may finish')
      cli.child.kill('SIGINT')
      await isCutOff(t, pairs, closed)
      t.is((await cli.ended).code, 130)
    })

    test.serial(`SIGKILL with the ${engine} engine: ${isResetByKill ? 'resets' : 'nobody hangs'}${round}`, async (t) => {
      const { cli, pairs, end, closed } = await start(t, HOURS)
      cli.child.kill('SIGKILL')
      if (isResetByKill) await isCutOff(t, pairs, closed)
      else {
        end()
        await closed()
      }
      await cli.ended
      t.is(cli.child.signalCode, 'SIGKILL')
    })
  }
}

type Bytestreams = Awaited<ReturnType<typeof startBytestreams>>

/** Nobody takes what came for all there is. */
async function isCutOff(t: ExecutionContext, pairs: Bytestreams['pairs'], closed: Bytestreams['closed']): Promise<void> {
  const ends = await closed()
  t.deepEqual(
    ends.filter((how) => how !== 'ECONNRESET' && how !== 'EPIPE'),
    [],
  )
  for (const peer of pairs.flat()) t.true(peer.isWhole && !peer.socket.readableEnded)
}
