import ava, { type ExecutionContext, type TestFn } from 'ava'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { chooseEngine } from '../../src/streamhost/relay/choose-engine.ts'
import { nativeSuite } from '../helpers/native.ts'
import { dstAddrOf, joinBoth, openStreamhost } from '../helpers/streamhost.ts'

const BYTES = 200_000
const RATE = 400_000
/** What a bucket lets pass at once is not waited for. */
const DUE_SECONDS = BYTES / RATE - 0.16

function ratesTests(test: TestFn, name: string, environment: NodeJS.ProcessEnv): void {
  const open = async (t: ExecutionContext, rates = {}) => {
    const { engine } = chooseEngine({ clock: systemClock, logger: silentLogger }, { threads: 1, pipesMax: 16 }, environment)
    t.teardown(() => engine.close())
    const { streamhost, ports } = await openStreamhost(t, { engine, rates })
    const activated = async (number: number) => {
      const peers = await joinBoth(t, ports[0], dstAddrOf(number))
      streamhost.activate(dstAddrOf(number))
      return peers
    }
    t.is(engine.name, name)
    return { streamhost, activated }
  }
  const seconds = async (moved: Promise<unknown>) => {
    const startedMs = performance.now()
    await moved
    return (performance.now() - startedMs) / 1000
  }

  test(`a rate of all is shared by all, with the ${name} engine`, async (t) => {
    const { activated } = await open(t, { totalBytes: RATE })
    const [one, other] = [await activated(1), await activated(2)]
    const took = seconds(Promise.all([one, other].map(([, to]) => to.read(BYTES / 2))))
    for (const [from] of [one, other]) from.write(Buffer.alloc(BYTES / 2))
    t.true((await took) >= DUE_SECONDS)
  })

  test(`a rate of each is each one's own, and one that is set holds for what runs, with the ${name} engine`, async (t) => {
    const { activated, streamhost } = await open(t)
    const [from, to] = await activated(1)
    from.write(Buffer.alloc(BYTES))
    t.is((await to.read(BYTES)).length, BYTES)
    streamhost.changeRates({ bytestreamBytes: RATE })
    const [later, laterTo] = await activated(2)
    const took = Promise.all([seconds(to.read(BYTES)), seconds(laterTo.read(BYTES))])
    for (const peer of [from, later]) peer.write(Buffer.alloc(BYTES))
    for (const each of await took) t.true(each >= DUE_SECONDS, `${each} s`)
    t.throws(() => streamhost.changeRates({ totalBytes: 0 }), { instanceOf: TypeError })
  })
}

ratesTests(ava, 'stream', { STREAMHOST_NO_NATIVE: '1' })
ratesTests(nativeSuite('rates of a streamhost with the native engine'), 'splice', {})
