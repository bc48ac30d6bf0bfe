import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/core/index.ts'
import { clientConnector, Session } from '../../src/session/index.ts'
import { buildDiscoItemsRequest, parseDiscoItems } from '../../src/xep/index.ts'
import { foreign } from '../helpers/foreign.ts'
import { ourProgram } from '../helpers/our-programs.ts'
import { startProsody } from '../helpers/prosody.ts'

const test = foreign('the README, followed beside Prosody', ['prosody'])

const [, lua = ''] = /```lua\n(.*?)```/s.exec(readFileSync('README.md', 'utf8')) ?? []
const [, secret = ''] = /component_secret = "(.*)"/.exec(lua) ?? []

test('with the lines of the README, the proxy is among the items of its server', async (t) => {
  await using prosody = await startProsody({
    domain: 'example.org',
    hosts: `VirtualHost "example.org"\n${lua}`,
    accounts: { admin: 'pencil' },
  })
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-readme-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'secret'), `${secret}\n`, { mode: 0o600 })

  const args = ['serve', '--domain', 'proxy.example.org', '--secret-file', join(folder, 'secret'), '--advertise', 'proxy.example.org:7777']
  const here = ['--service', `xmpp://127.0.0.1:${prosody.componentPort}`, '--listen', '127.0.0.1:0', '--json', '--log-level', 'silent']
  const serve = spawn(process.execPath, [...ourProgram('src/cli/main.ts'), ...args, ...here], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => serve.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: serve.stdout }), 'line')) as [string]
  t.like(JSON.parse(line), { event: 'ready', domain: 'proxy.example.org', advertised: [{ host: 'proxy.example.org', port: 7777 }] })

  const account = { jid: 'admin@example.org', password: 'pencil', service: `xmpp://127.0.0.1:${prosody.clientPort}` }
  await using session = new Session({}, clientConnector(systemClock, account), { reconnect: 'never' })
  await session.start()
  const items = await session.request({ type: 'get', to: 'example.org', payload: buildDiscoItemsRequest() })
  t.true(items && parseDiscoItems(items).some(({ jid }) => jid === 'proxy.example.org'))

  serve.kill('SIGTERM')
  const [exitCode] = await once(serve, 'exit')
  t.is(exitCode, 0)
})
