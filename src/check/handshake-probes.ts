import { BytestreamError } from '../core/index.ts'
import {
  ADDRESS_TYPE,
  COMMAND,
  type DstAddr,
  decodeConnectReply,
  encodeConnectRequest,
  encodeGreeting,
  encodeMethodChoice,
  METHOD,
  REPLY,
  VERSION,
} from '../socks5/index.ts'
import {
  activate,
  addressOf,
  CHOICE_BYTES,
  exchange,
  expectedReply,
  join,
  newBytestream,
  openSocket,
  REPLY_BYTES,
  refusalOf,
  shakeHands,
  tellReading,
} from './contact.ts'
import { type Finding, failed, type Probe, type ProbeContext, passed, warning } from './probe.ts'
import { formatAddress, type RawSocket } from './raw-socket.ts'

/** Milliseconds between single octets, so that each is a segment of its own. */
const FRAGMENT_MS = 10

const NEEDS = ['target-first'] as const

const echo: Probe = {
  id: 'echo',
  proves: 'the reply to CONNECT echoes DST.ADDR and port 0, octet for octet and in one piece',
  section: '§6.3.2',
  remedy:
    'Dino compares the reply octet for octet and gives up on another; slixmpp and QXmpp read it at once. This is a fault of the proxy itself.',
  needs: NEEDS,
  scope: 'one',
  async run(context) {
    const { timings } = context
    const { dstAddr } = newBytestream(context)
    const socket = await openSocket(context)
    socket.send(encodeGreeting())
    const choice = await socket.read(CHOICE_BYTES, timings.quietMsMax)
    if (choice.pieces > 1) return failed('the method choice came in two pieces')
    socket.send(encodeConnectRequest(dstAddr))
    const { octets, pieces, ending } = await socket.read(REPLY_BYTES, timings.quietMsMax)
    if (!octets.equals(expectedReply(dstAddr))) return failed(`answered ${tellReading({ octets, ending })}`)
    return pieces > 1 ? warning(`the reply came in ${pieces} pieces`) : passed('echoed, in one piece')
  },
}

/** Sends octets one by one, until all are sent or the other side says something. */
async function trickle({ clock }: ProbeContext, socket: RawSocket, octets: Buffer): Promise<void> {
  for (const octet of octets) {
    if (socket.isOver || socket.waitingBytes > 0) return
    socket.send(Buffer.of(octet))
    await new Promise<void>((resolve) => clock.after(FRAGMENT_MS, resolve))
  }
}

const fragmented: Probe = {
  id: 'fragmented',
  proves: 'a handshake that arrives octet by octet is understood',
  section: 'RFC 1928 §3, §4',
  remedy:
    'TCP may cut what clients send anywhere: transfers over slow or tunnelled networks fail at random here. This is a fault of the proxy itself; only another proxy helps.',
  needs: NEEDS,
  scope: 'one',
  async run(context) {
    const { quietMsMax } = context.timings
    const { dstAddr } = newBytestream(context)
    const socket = await openSocket(context)
    await trickle(context, socket, encodeGreeting())
    const choice = await socket.read(CHOICE_BYTES, quietMsMax)
    if (!choice.octets.equals(encodeMethodChoice(METHOD.noAuthentication)))
      return failed(`to a greeting in single octets it answered ${tellReading(choice)}`)
    await trickle(context, socket, encodeConnectRequest(dstAddr))
    const reply = await socket.read(REPLY_BYTES, quietMsMax)
    if (!reply.octets.equals(expectedReply(dstAddr))) return failed(`to a request in single octets it answered ${tellReading(reply)}`)
    return passed('understood')
  },
}

const pipelined: Probe = {
  id: 'pipelined',
  proves: 'a greeting and a request in one segment are both answered',
  section: 'RFC 1928 §3, §4',
  remedy:
    'Clients that send the request without waiting, or whose packets are joined on the way, are not let in. This is a fault of the proxy itself; only another proxy helps.',
  needs: NEEDS,
  scope: 'one',
  async run(context) {
    const { dstAddr } = newBytestream(context)
    const socket = await openSocket(context)
    socket.send(Buffer.concat([encodeGreeting(), encodeConnectRequest(dstAddr)]))
    const expected = Buffer.concat([encodeMethodChoice(METHOD.noAuthentication), expectedReply(dstAddr)])
    const { octets, ending } = await socket.read(expected.length, context.timings.quietMsMax)
    return octets.equals(expected) ? passed('answered') : failed(`answered ${tellReading({ octets, ending })}`)
  },
}

const upperCase: Probe = {
  id: 'upper-case',
  proves: 'a DST.ADDR in upper-case hexadecimal digits is the same as in lower case',
  section: '§6.3.2',
  remedy: 'XEP-0065 does not say which case the digits have. All known clients write lower case, so this harms nobody today.',
  needs: ['both-ways'],
  scope: 'one',
  async run(context) {
    const bytestream = newBytestream(context)
    const first = await join(context, bytestream.dstAddr)
    const second = await openSocket(context)
    const admission = await shakeHands(context, second, bytestream.dstAddr.toUpperCase() as DstAddr)
    if (admission !== 'admitted') return warning(`refused: it answered ${admission.refusal}`)
    const refusal = await refusalOf(activate(context, bytestream))
    if (refusal) return warning(`taken for another bytestream: ${refusal.message}`)
    const wrong = await exchange(context, { first, second })
    return wrong ? failed(wrong) : passed('the same')
  },
}

/** CONNECT to an address and port like any SOCKS5 client's: here the streamhost's own, where something surely listens. */
function ordinaryRequest({ host, port }: { host: string; port: number }): Buffer {
  const name = Buffer.from(host)
  return Buffer.concat([
    Buffer.from([VERSION, COMMAND.connect, 0, ADDRESS_TYPE.domainName, name.length]),
    name,
    Buffer.from([port >> 8, port & 0xff]),
  ])
}

const noForwarding: Probe = {
  id: 'no-forwarding',
  proves: 'it is no open proxy: a CONNECT to a host and port is refused, and nothing is forwarded',
  section: 'RFC 1928 §4',
  remedy:
    'Whoever reaches this port can connect to anywhere from this machine, and to its own network. Close it at once, and find out what it is.',
  needs: NEEDS,
  scope: 'one',
  async run(context): Promise<Finding> {
    const { quietMsMax } = context.timings
    const socket = await openSocket(context)
    socket.send(encodeGreeting())
    const choice = await socket.read(CHOICE_BYTES, quietMsMax)
    if (choice.octets[1] !== METHOD.noAuthentication) throw new BytestreamError('ERR_SOCKS5_METHOD', `answered ${tellReading(choice)}`)
    const at = addressOf(context)
    socket.send(ordinaryRequest(at))
    const reply = await socket.read(CHOICE_BYTES, quietMsMax)
    if (reply.octets[1] !== REPLY.succeeded) return passed(`refused: ${tellReading(reply)}`)
    // Whoever forwards has connected us with a streamhost that waits for a greeting.
    socket.send(encodeGreeting())
    const said = Buffer.concat([reply.octets, (await socket.read(REPLY_BYTES, quietMsMax)).octets])
    const behindReply = said.subarray(decodeConnectReply(said)?.bytes)
    return behindReply.equals(encodeMethodChoice(METHOD.noAuthentication))
      ? failed(`connected us with ${formatAddress(at)}`)
      : warning('it says it has connected, but forwards nothing')
  },
}

export const handshakeProbes: readonly Probe[] = [echo, fragmented, pipelined, upperCase, noForwarding]
