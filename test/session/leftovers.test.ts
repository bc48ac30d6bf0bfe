import test, { type ExecutionContext } from 'ava'
import { systemClock } from '../../src/core/index.ts'
import { clientConnector, componentConnector, Session } from '../../src/session/index.ts'
import { heldBeyond, heldResources, untilHeld } from '../helpers/held.ts'
import { acceptComponent, listenScripted, type ServerSide } from '../helpers/scripted-server.ts'
import { embedded } from '../helpers/server.ts'

// Goal: a session that is over, however it came to that, keeps no process alive.
// Method: what keeps this one alive is the same before and after. Tests of this file run one after another.

async function leavesNothing(t: ExecutionContext, run: () => Promise<unknown>): Promise<void> {
  t.timeout(20_000, 'something keeps the process alive')
  const before = heldResources()
  await run()
  for (let turn = 0; turn < 20 && heldBeyond(before).length > 0; turn++) await new Promise(setImmediate)
  t.false(heldBeyond(before).includes('Timeout'), 'something waits for its time')
  // Sockets are gone from the list when the system has told of it, which is later where it is busy.
  await untilHeld(before)
}

const HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1' from='localhost'>"
const MECHANISMS = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>"

const fails = test.macro({
  async exec(t, say: string, what: (side: ServerSide, session: Session) => unknown) {
    await leavesNothing(t, async () => {
      const server = await listenScripted(t)
      const service = `xmpp://127.0.0.1:${server.port}`
      const session = new Session({}, clientConnector(systemClock, { jid: 'romeo@localhost', password: 'pencil', service }), {
        reconnect: 'never',
      })
      const failed = t.throwsAsync(session.start())
      const side = await server.next()
      await side.hears(/<stream:stream[^>]*>/)
      side.say(say)
      if (say.includes('mechanism')) await side.hears(/<auth/)
      await what(side, session)
      await failed
      side.socket.destroy()
      server.close()
    })
  },
  title: (given) => `a login that fails leaves nothing: ${given}`,
})
for (const [step, say] of Object.entries({
  header: '',
  features: HEADER,
  challenge: `${HEADER}<stream:features>${MECHANISMS}</stream:features>`,
})) {
  test.serial(`stopped before the ${step}`, fails, say, (_, session) => session.stop())
  test.serial(`broken before the ${step}`, fails, say, (side) => side.socket.resetAndDestroy())
  test.serial(`hung up before the ${step}`, fails, say, (side) => side.socket.end())
}

test.serial('an account’s session that is stopped leaves nothing', async (t) => {
  await leavesNothing(t, async () => {
    await using server = await embedded.start({ accounts: ['romeo'] })
    const { host, port } = server.client
    const init = { jid: 'romeo@localhost', password: 'pencil', service: `xmpp://${host}:${port}` }
    const session = new Session({}, clientConnector(systemClock, init), { reconnect: 'once online' })
    await session.start()
    await session.stop()
  })
})

test.serial('an account’s session that was refused leaves nothing', async (t) => {
  await leavesNothing(t, async () => {
    await using server = await embedded.start({ accounts: ['romeo'] })
    const { host, port } = server.client
    const init = { jid: 'romeo@localhost', password: 'guessed', service: `xmpp://${host}:${port}` }
    await t.throwsAsync(new Session({}, clientConnector(systemClock, init), { reconnect: 'always' }).start())
  })
})

test.serial('a component’s session that is stopped leaves nothing, whatever it was doing', async (t) => {
  const jid = 'proxy.localhost'
  const open = (port: number) =>
    new Session({}, componentConnector(systemClock, { jid, secret: 's', service: { host: '127.0.0.1', port } }), { reconnect: 'always' })
  await leavesNothing(t, async () => {
    const server = await listenScripted(t)
    const online = open(server.port)
    const started = online.start()
    const side = await acceptComponent(server, jid)
    await started
    const stopped = online.stop()
    await side.hears(/<\/stream:stream>/)
    side.socket.end()
    await stopped

    const connecting = open(server.port)
    const failed = t.throwsAsync(connecting.start())
    const other = await server.next()
    await connecting.stop()
    await failed
    other.socket.destroy()
    server.close()

    const pausing = open(server.port)
    const ended = t.throwsAsync(pausing.start())
    await new Promise((resolve) => pausing.once('offline', resolve))
    await pausing.stop()
    await ended
  })
})
