// Goal: whole Jingle sessions, with every way their octets can travel, through each server and its own proxy.
// Method: two JingleSessions; 1 KiB one way, 128 KiB the other, compared.

import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import {
  InBandTarget,
  type JingleSession,
  JingleSessions,
  type JingleTransportInit,
  jingleTransport,
  ProxyFinder,
} from '../../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../../src/core/index.ts'
import type { Session } from '../../../src/session/index.ts'
import { announcing } from '../../helpers/announcing.ts'
import { anywhere } from '../../helpers/anywhere.ts'
import { readAll } from '../../helpers/in-band.ts'
import { Peer } from '../../helpers/peer.ts'
import { onEachServer } from '../../helpers/server.ts'
import { networkOn } from '../../helpers/xmpp-network.ts'

const here = ['127.0.0.1']

function transportsOf(session: Session) {
  const parts = { session, clock: systemClock, logger: silentLogger }
  const components = {
    ...parts,
    proxies: new ProxyFinder(session, systemClock, silentLogger),
    inBand: new InBandTarget(parts),
    ...anywhere,
    ...announcing(session),
  }
  return {
    sessions: JingleSessions.of(parts),
    open: (init: JingleTransportInit) => jingleTransport(components, { ownHosts: [], ...init }),
  }
}

/** @returns the bytestreams of both sides of a session with one content, as the responder has accepted it */
async function join(from: Session, to: Session, initiator: JingleTransportInit, responder: JingleTransportInit) {
  const [offering, answering] = [transportsOf(from), transportsOf(to)]
  const accepted = new Promise<JingleSession>((resolve) => {
    answering.sessions.handle('file', (session) => {
      resolve(session)
      const answers = session.contents.map((content) => ({ content, transport: answering.open(responder) }))
      session.accept(answers).catch(() => {}) // Told by the bytestream.
    })
  })
  const description = { kind: 'file', file: { name: 'octets.bin', hashes: [], hashUsed: ['sha-256'] } } as const
  const contents = [{ senders: 'both', description, transport: offering.open(initiator) }] as const
  const [begun, received] = await Promise.all([offering.sessions.begin({ peer: to.jid, contents }), accepted])
  const streams = await Promise.all([begun, received].map((session) => session.contents[0]?.bytestream))
  return { sessions: [begun, received], streams: streams as NonNullable<(typeof streams)[number]>[] }
}

async function talk(
  t: ExecutionContext,
  from: Session,
  to: Session,
  method: string,
  initiator: JingleTransportInit,
  responder: JingleTransportInit = initiator,
) {
  const { sessions, streams } = await join(from, to, initiator, responder)
  const [sent, received] = streams as [(typeof streams)[number], (typeof streams)[number]]
  t.deepEqual([sent.method, received.method], [method, method])
  const one = new Peer(sent.stream as Socket)
  const [there, back] = [randomBytes(128 * 1024), randomBytes(1024)]
  received.stream.write(back)
  t.true((await one.read(back.length)).equals(back))
  // With its end behind it: Prosody's own proxy withholds the last octets of a burst until then, and ends both directions at once.
  one.write(there)
  one.end()
  t.true((await readAll(received.stream)).equals(there))
  received.stream.end()
  await one.readAll()
  t.like(await sent.totals, { sent: there.length, received: back.length })
  await sessions[1]?.terminate({ condition: 'success' })
  t.like(await sessions[0]?.ended, { by: 'peer', reason: { condition: 'success' } })
  return sent
}

const OWN_PROXY = 'relay.localhost'
const accounts = ['from', 'to']
const components = ['one.localhost', 'two.localhost']

onEachServer('Jingle transports', { accounts, components, ownProxy: OWN_PROXY }, (test, { name }) => {
  test('direct, in band at once, and in band in place of what did not work', async (t, server) => {
    const network = networkOn(t, server)
    for (const [method, initiator, responder] of [
      ['direct', { method: 'direct', ownHosts: here }, { ownHosts: here, method: 'direct' }],
      ['direct', { method: 'direct' }, { ownHosts: here, method: 'direct' }],
      ['ibb', { method: 'ibb', blockSize: 8192 }, { blockSize: 6000 }],
      ['ibb', { proxy: 'nobody.localhost', blockSize: 8192 }, { proxy: 'nobody.localhost' }],
    ] as const) {
      await talk(t, await network.logIn('from'), await network.logIn('to'), method, initiator, responder)
    }
  })

  test("through the initiator's proxy, and through the responder's", async (t, server) => {
    const network = networkOn(t, server)
    const [one, two] = [await network.startProxy('one.localhost'), await network.startProxy('two.localhost')]
    const initiators = await talk(t, await network.logIn('from'), await network.logIn('to'), 'proxy', { method: 'proxy', proxy: one.jid })
    t.is(initiators.streamhost?.jid, one.jid)
    const responders = await talk(
      ...([t, await network.logIn('from'), await network.logIn('to'), 'proxy'] as const),
      { proxy: 'nobody.localhost' },
      { proxy: two.jid },
    )
    t.is(responders.streamhost?.jid, two.jid)
  })

  if (name === 'the embedded server') return
  test('through the proxy of the server itself', async (t, server) => {
    const network = networkOn(t, server)
    for (const [initiator, responder] of [
      [OWN_PROXY, 'nobody.localhost'],
      ['nobody.localhost', OWN_PROXY],
    ] as const) {
      const { streamhost } = await talk(
        ...([t, await network.logIn('from'), await network.logIn('to'), 'proxy'] as const),
        { proxy: initiator },
        { proxy: responder },
      )
      t.regex(String(streamhost?.jid), /^relay\.localhost/)
    }
  })
})
