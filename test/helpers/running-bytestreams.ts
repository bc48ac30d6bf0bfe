import type { ExecutionContext } from 'ava'
import { computeDstAddr, encodeGreeting } from '../../src/socks5/index.ts'
import { attribute } from '../../src/xep/index.ts'
import { type Cli, startCli } from './cli.ts'
import { Pattern, PatternPeer } from './pattern-peer.ts'
import { PROXY } from './prosody.ts'
import { type Address, login, type RawStream } from './raw-client.ts'
import { embedded } from './server.ts'
import { CHOICE, connectOctets, replyOctets } from './streamhost.ts'

const TARGET = 'target@localhost/x'
/** Sizes of the writes, in turn. */
const WRITES = [65_537, 100, 16_384]

/** Bytestreams through `serve`, which runs as a process of its own, beside an XMPP server that goes on. */
export interface RunningBytestreams {
  readonly cli: Cli
  readonly at: Address
  readonly pairs: readonly (readonly [PatternPeer, PatternPeer])[]
  /**
   * Both sides of each say more and more, or every other time one of them, until {@link end} or until they are cut off.
   * Settles when so much has come, in all.
   */
  flow(bytes: number): Promise<void>
  /** From now on they say no more, and end. */
  end(): void
  /** How each socket was over, when all are. */
  closed(): Promise<readonly string[]>
}

/** Starts `serve` and so many bytestreams, which have said nothing so far. */
export async function startBytestreams(
  t: ExecutionContext,
  count: number,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<RunningBytestreams> {
  const server = await embedded.start({ accounts: ['requester'] })
  t.teardown(() => server[Symbol.asyncDispose]())
  const { host, port } = server.componentAt(PROXY)
  const flags = ['--domain', PROXY, '--service', `xmpp://${host}:${port}`, '--listen', '127.0.0.1:0', '--json', ...args]
  const cli = startCli(t, ['serve', ...flags], { STREAMHOST_SECRET: 'component secret', ...environment })
  const { advertised } = (await cli.event('ready')) as { advertised: [Address] }
  const at = advertised[0]
  const requester = await login(server.client, server.account('requester'), 'x')
  t.teardown(() => requester.destroy())
  const pairs = await Promise.all(Array.from({ length: count }, (_, number) => joinBoth(at, requester, number)))
  for (const number of pairs.keys()) {
    const query = `<query xmlns='http://jabber.org/protocol/bytestreams' sid='${number}'><activate>${TARGET}</activate></query>`
    requester.send(`<iq type='set' id='${number}' to='${PROXY}'>${query}</iq>`)
  }
  for (const _ of pairs) t.is(attribute(await requester.next(), 'type'), 'result')

  const peers = pairs.flat()
  let isEnding = false
  const listeners = new Set(pairs.filter((_, number) => number % 2 === 1).map(([, other]) => other))
  const talk = async (peer: PatternPeer) => {
    if (listeners.has(peer)) await peer.heardEnd
    else while (!isEnding && !peer.socket.destroyed) await peer.say(WRITES[0] as number, WRITES)
    peer.socket.end()
  }
  return {
    cli,
    at,
    pairs,
    async flow(bytes) {
      for (const peer of peers) void talk(peer)
      while (peers.reduce((sum, { heard }) => sum + heard, 0) < bytes) await new Promise(setImmediate)
    },
    end() {
      isEnding = true
    },
    closed: () => Promise.all(peers.map(({ closed }) => closed)),
  }
}

async function joinBoth(at: Address, requester: RawStream, number: number): Promise<readonly [PatternPeer, PatternPeer]> {
  const dstAddr = computeDstAddr(`${number}`, requester.jid, TARGET)
  const [there, back] = [new Pattern(2 * number), new Pattern(2 * number + 1)]
  const peers = [new PatternPeer(at, there, back), new PatternPeer(at, back, there)] as const
  const [asks, answers] = [Buffer.concat([encodeGreeting(), connectOctets(dstAddr)]), Buffer.concat([CHOICE, replyOctets(0, dstAddr)])]
  for (const peer of peers) await peer.exchange(asks, answers)
  return peers
}
