// Goal: how a peer was reached is remembered on both sides of a Jingle transport, is used the next time, and forgotten when it fails.
// Method: sessions on the embedded server, a proxy and sockets on this machine.

import test, { type ExecutionContext } from 'ava'
import { type InitiatorStep, type JingleTransportInit, LastWays } from '../../../src/bytestreams/index.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { joinTransports } from '../../helpers/jingle-wire.ts'
import { settle } from '../../helpers/settle.ts'
import { here, hidden, setScene, socks5Of } from '../../helpers/socks5-scene.ts'

/** Two sides with memories of their own; each call opens a bytestream. */
async function meet(t: ExecutionContext) {
  const { network, romeo, juliet } = await setScene(t)
  const clock = new FakeClock()
  const ways = { initiator: new LastWays(clock, () => []), responder: new LastWays(clock, () => []) }
  const recalled = () => [ways.initiator.recall(juliet.jid), ways.responder.recall(romeo.jid)]
  const steps: InitiatorStep[] = []
  const open = async (init: JingleTransportInit, responder: JingleTransportInit = init) => {
    const wire = await joinTransports(t, {
      initiator: { session: romeo, ways: ways.initiator, init: { ...init, onStep: (step) => steps.push(step) } },
      responder: { session: juliet, ways: ways.responder, init: responder },
    })
    wire.begin()
    return wire
  }
  return { network, open, recalled, steps, clock, ways, peer: juliet.jid }
}

for (const [what, init, method] of [
  ['directly', { ownHosts: here }, 'direct'],
  ['through a proxy', { ...hidden, proxy: 'one.localhost' }, 'proxy'],
  ['in band', hidden, 'ibb'],
] as const) {
  test(`whoever was reached ${what}, with all ways open, is remembered on both sides`, async (t) => {
    const { network, open, recalled } = await meet(t)
    if (method === 'proxy') await network.startProxy('one.localhost')
    const { initiator, responder } = await open(init)
    const [sent, received] = await Promise.all([initiator.opened, responder.opened])
    t.deepEqual([sent.method, received.method], [method, method])
    t.deepEqual(recalled(), [method, method])
    sent.reset()
    await sent.totals
    await settle()
    t.is(recalled()[0], undefined)
  })
}

test('a way that was the only one asked for says nothing about the others', async (t) => {
  const { open, recalled } = await meet(t)
  const { initiator, responder } = await open({ method: 'direct', ownHosts: here })
  await Promise.all([initiator.opened, responder.opened])
  t.deepEqual(recalled(), [undefined, undefined])
})

test('whoever was reached in band is offered that at once for five minutes, with the reason, and then streamhosts again', async (t) => {
  const { open, steps, clock, ways, peer } = await meet(t)
  ways.initiator.remember(peer, 'ibb')
  const first = await open({ ownHosts: here })
  t.is(first.initiator.description.kind, 'inBand')
  t.is((await first.initiator.opened).method, 'ibb')
  t.deepEqual(steps, [{ step: 'in band', reason: `no streamhost has worked for ${peer} a few minutes ago` }])
  clock.advance(5 * 60_000)
  const later = await open({ ownHosts: here })
  t.is((await later.initiator.opened).method, 'direct')
})

test('a negotiation that fails is forgotten', async (t) => {
  const { open, recalled, ways, peer } = await meet(t)
  ways.initiator.remember(peer, 'proxy')
  const { initiator } = await open(hidden, { ...hidden, method: 'proxy', proxy: 'one.localhost' })
  initiator.close(new BytestreamError('ERR_RESET', 'the content is over'))
  await t.throwsAsync(initiator.opened, { code: 'ERR_RESET' })
  await settle()
  t.is(recalled()[0], undefined)
})

test('a side that takes files in band only offers nothing, tries nothing, and gets its bytestream in band from one that takes all', async (t) => {
  const { open } = await meet(t)
  const wire = await open({ ownHosts: here }, { method: 'ibb', ownHosts: here })
  t.deepEqual(socks5Of(wire.responder).candidates, [])
  const [sent, received] = await Promise.all([wire.initiator.opened, wire.responder.opened])
  t.deepEqual([sent.method, received.method], ['ibb', 'ibb'])
})
