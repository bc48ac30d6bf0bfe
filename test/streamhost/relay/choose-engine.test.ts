import ava from 'ava'
import { silentLogger, systemClock } from '../../../src/core/index.ts'
import { chooseEngine } from '../../../src/streamhost/relay/choose-engine.ts'
import { nativeSuite } from '../../helpers/native.ts'

const components = { clock: systemClock, logger: silentLogger }
const settings = { threads: 1, pipesMax: 16 }

ava('without the native relay octets are moved by Node, and the reason is told', (t) => {
  const { engine, reason } = chooseEngine(components, settings, { STREAMHOST_NO_NATIVE: '1' })
  t.teardown(() => engine.close())
  t.is(engine.name, 'stream')
  t.is(reason, 'STREAMHOST_NO_NATIVE is set')
})

const test = nativeSuite('the choice of the native engine')

test('where there is a native relay, it moves the octets', (t) => {
  const { engine, reason } = chooseEngine(components, settings, {})
  t.teardown(() => engine.close())
  t.is(engine.name, 'splice')
  t.is(reason, undefined)
})

test('a native relay that cannot be started is done without, and the reason is told', (t) => {
  const { engine, reason } = chooseEngine(components, { ...settings, threads: 2 ** 31 }, {})
  t.teardown(() => engine.close())
  t.is(engine.name, 'stream')
  t.regex(reason ?? '', /^the native relay cannot be started: E[A-Z]+$/)
})
