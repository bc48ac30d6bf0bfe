import { once } from 'node:events'
import { createServer } from 'node:net'
import test from 'ava'
import { startCli } from '../helpers/cli.ts'
import { foreign } from '../helpers/foreign.ts'
import { get, notReady } from '../helpers/http.ts'
import { PROXY, SECRET, startProsody } from '../helpers/prosody.ts'
import type { Address } from '../helpers/raw-client.ts'

// `serve --http` as a process, behind servers that come and go.

const ONLINE = 'the component is online'
const OFFLINE = 'the component is offline, and will try again'

test('serve complains in one line about a port for HTTP that is taken, exit code 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  const args = ['serve', '--domain', PROXY, '--listen', '127.0.0.1:0', '--http', String(port)]
  const { code, stdout, stderr } = await startCli(t, args, { STREAMHOST_SECRET: SECRET }).ended
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, new RegExp(`^streamhost: cannot listen on 127\\.0\\.0\\.1 port ${port} for HTTP: .*EADDRINUSE.*\n$`))
})

const onProsody = foreign('serve --http behind Prosody', ['prosody'])

onProsody(
  'a server that is killed makes serve not ready, with the reason, until the server is back; it is live all the time',
  async (t) => {
    await using prosody = await startProsody()
    const serve = startCli(
      t,
      ['serve', '--domain', PROXY, '--service', `xmpp://127.0.0.1:${prosody.componentPort}`, '--listen', '127.0.0.1:0', '--json'],
      { STREAMHOST_SECRET: SECRET, STREAMHOST_HTTP: '127.0.0.1:0' },
    )
    const { http } = (await serve.event('ready')) as { http: Address }
    await serve.logged(ONLINE)
    t.deepEqual(await notReady(http), {})
    await prosody.kill()
    await serve.logged(OFFLINE)
    t.regex(
      (await notReady(http))['component-offline'] ?? '',
      /^the component is offline since .*Z: (the connection to the XMPP server broke \(ERR_SESSION_CLOSED\)|no XMPP server answers \(ERR_UNREACHABLE\))$/,
    )
    t.is((await get(http, '/healthz')).status, 200)
    await prosody.start()
    await serve.logged(ONLINE)
    t.deepEqual(await notReady(http), {})
    serve.child.kill('SIGTERM')
    t.is((await serve.ended).code, 0)
  },
)
