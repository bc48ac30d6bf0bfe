import test from 'ava'
import { run } from '../../src/cli/program.ts'
import { PROXY } from '../helpers/prosody.ts'
import { TestTerminal } from '../helpers/terminal.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

test('disco tells what an entity is, then what it offers; about a node of it, and only the one or the other, too (XEP-0030)', async (t) => {
  const network = await startNetwork(t, ['laptop'])
  await network.startProxy()
  const { jid, password, service } = network.account('laptop')
  const environment = { STREAMHOST_ACCOUNT: jid, STREAMHOST_PASSWORD: password, STREAMHOST_SERVICE: `${service}` }
  const disco = async (...args: string[]) => {
    const [stdout, stderr] = [new TestTerminal(), new TestTerminal()]
    const context = { environment, signal: new AbortController().signal, onHangUp: () => {}, onExit: () => {} }
    const code = await run(['disco', ...args], { streams: { stdout, stderr }, ...context })
    return { code, stdout: stdout.written, stderr: stderr.written }
  }
  const { code, stdout } = await disco('localhost')
  t.is(code, 0)
  t.regex(stdout, /^identity {2}server\/im.*\n(feature {3}\S+\n)+proxy\.localhost\n$/)
  t.deepEqual(await disco('localhost', '--items'), { code: 0, stdout: `${PROXY}\n`, stderr: '' })
  t.deepEqual(await disco('items', 'localhost', '--json'), { code: 0, stdout: `{"event":"item","jid":"${PROXY}"}\n`, stderr: '' })
  t.deepEqual((await disco('localhost')).stdout, (await disco('info', 'localhost')).stdout + (await disco('items', 'localhost')).stdout)
  const absent = await disco(PROXY, 'no such node')
  t.is(absent.code, 4)
  t.regex(absent.stderr, /^streamhost: proxy\.localhost answered item-not-found/)
  t.is((await disco('not a jid')).code, 2)
})
