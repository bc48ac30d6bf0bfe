import { once } from 'node:events'
import type { ExecutionContext } from 'ava'
import { systemClock } from '../../src/core/index.ts'
import { componentConnector, Session, type SessionEvents } from '../../src/session/index.ts'
import { attribute } from '../../src/xep/index.ts'
import { startCli } from '../helpers/cli.ts'
import { startEjabberd } from '../helpers/ejabberd.ts'
import { foreign } from '../helpers/foreign.ts'
import { DOMAIN, PROXY, SECRET, startProsody } from '../helpers/prosody.ts'
import { type Address, login, loginComponent, type RawStream } from '../helpers/raw-client.ts'
import { LOGIN_MS_MAX } from '../helpers/server.ts'

// Two connections that mean to be the same component, or share a port. What servers do then: Prosody refuses the second
// (as the embedded server does: test/session/component-session.test.ts), or, told so, ends the first. ejabberd takes both,
// and deals the stanzas out between them without a word.

const onProsody = foreign('two connections of one component on Prosody', ['prosody'])
const onEjabberd = foreign('components that share a port of ejabberd', ['ejabberd'])

const kickOld = { configuration: 'component_conflict_resolve = "kick_old"' }

onProsody('serve stops with a sentence when another connection takes its component over', async (t) => {
  await using server = await startProsody(kickOld)
  const at = { host: '127.0.0.1', port: server.componentPort }
  const args = ['--domain', PROXY, '--service', `xmpp://127.0.0.1:${at.port}`, '--listen', '127.0.0.1:0', '--json', '--log-level', 'info']
  const serve = startCli(t, ['serve', ...args], { STREAMHOST_SECRET: SECRET })
  await serve.event('ready')
  // A server that is written to after it has hung up answers with a reset, and Node then drops what was still to be read: the
  // reason. So nothing may be under way.
  await serve.logged('looked from this machine: clients can find the proxy, and reach it')
  const other = await loginComponent(at, PROXY, SECRET)
  t.teardown(() => other.destroy())
  const { code, stderr } = await serve.ended
  t.is(code, 1)
  t.is(
    stderr.trimEnd().split('\n').at(-1),
    `streamhost: another connection took over ${PROXY} (conflict: Replaced by a new connection); only one program can serve an address`,
  )
})

onProsody('a component that was taken over does not take it back', async (t) => {
  await using server = await startProsody(kickOld)
  const at = { host: '127.0.0.1', port: server.componentPort }
  const session = new Session({}, componentConnector(systemClock, { jid: PROXY, secret: SECRET, service: at, loginMsMax: LOGIN_MS_MAX }), {
    reconnect: 'always',
    backOff: { firstMs: 1, retryMsMax: 1 },
  })
  await session.start()
  const ended = once(session, 'ended') as Promise<SessionEvents['ended']>
  const other = await loginComponent(at, PROXY, SECRET)
  t.teardown(() => other.destroy())
  t.is((await ended)[0].error?.code, 'ERR_REPLACED')
  t.deepEqual(await other.flush(DOMAIN), [], 'the other one is left alone')
})

const MESSAGES = 64

/** Sends messages to a component. @returns how many each of two connections got of them */
async function deal(
  t: ExecutionContext,
  client: Address,
  to: string,
  components: readonly [RawStream, RawStream],
): Promise<readonly [number, number]> {
  const sender = await login(client, { local: 'romeo', password: 'pencil', domain: DOMAIN })
  t.teardown(() => sender.destroy())
  for (let number = 0; number < MESSAGES; number++) sender.send(`<message to='${to}' id='${number}'><body>x</body></message>`)
  const counts: [number, number] = [0, 0]
  await new Promise<void>((resolve, reject) => {
    for (const index of [0, 1] as const) {
      const component = components[index]
      t.teardown(() => component.destroy())
      const take = async () => {
        for (;;) {
          const message = await component.next()
          if (attribute(message, 'to') !== to) throw new Error(`not for ${to}: ${message}`)
          counts[index] += 1
          if (counts[0] + counts[1] === MESSAGES) resolve()
        }
      }
      take().catch(reject)
    }
  })
  return counts
}

const [SECOND, THIRD] = [`second.${DOMAIN}`, `third.${DOMAIN}`]

/** An ejabberd with three components, and what connects to it. */
async function startServer(isShared: boolean) {
  const components = { [PROXY]: SECRET, [SECOND]: SECRET, [THIRD]: SECRET }
  const server = await startEjabberd({ domain: DOMAIN, accounts: { romeo: 'pencil' }, components, isShared })
  return {
    client: { host: '127.0.0.1', port: server.clientPort },
    plugIn: (jid: string) => loginComponent({ host: '127.0.0.1', port: server.componentPorts.get(jid) ?? 0 }, jid, SECRET),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

onEjabberd('components at one port of ejabberd get each other’s stanzas', async (t) => {
  await using server = await startServer(true)
  const [own, strayed] = await deal(t, server.client, PROXY, [await server.plugIn(PROXY), await server.plugIn(SECOND)])
  t.true(own > 0 && strayed > 0, `${own} and ${strayed}`)
})

onEjabberd(
  'with a port of its own each gets all of its stanzas, and shares them with another connection of its address only',
  async (t) => {
    await using server = await startServer(false)
    t.deepEqual(await deal(t, server.client, PROXY, [await server.plugIn(PROXY), await server.plugIn(SECOND)]), [MESSAGES, 0])
    const [one, other] = await deal(t, server.client, THIRD, [await server.plugIn(THIRD), await server.plugIn(THIRD)])
    t.true(one > 0 && other > 0, `${one} and ${other}`)
  },
)
