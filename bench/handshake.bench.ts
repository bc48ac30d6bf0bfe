// Question: what does the streamhost's side of a SOCKS5 handshake cost, against a naive twin that reads hexadecimal
// digits with regular expressions, and what does it cost when it comes octet by octet?
// Method: greeting, CONNECT and 20 octets of payload, through a new ServerHandshake each time: in one segment, in the two
// a client sends, and in 70. The naive twin reads everything there is anew with each segment. No socket is involved.

import { deepStrictEqual } from 'node:assert/strict'
import { computeDstAddr, encodeConnectRequest, encodeGreeting, ServerHandshake } from '../src/socks5/index.ts'
import { naiveServerHandshake } from '../test/naive/socks5.ts'
import { race } from './race.ts'

const greeting = encodeGreeting()
const request = encodeConnectRequest(computeDstAddr('vxf9n471bn46', 'requester@example.com/foo', 'target@example.org/bar'))
const octets = Buffer.concat([greeting, request, Buffer.alloc(20)])
const oneByOne = Array.from(octets, (octet) => Buffer.from([octet]))

function ours(segments: readonly Buffer[]): Buffer[] {
  const handshake = new ServerHandshake()
  const replies: Buffer[] = []
  for (const segment of segments) {
    const step = handshake.push(segment)
    replies.push(...step.replies)
    if (step.request) {
      replies.push(handshake.accept())
      break
    }
  }
  return replies
}

function twin(segments: readonly Buffer[]): readonly string[] {
  let sofar: Buffer = Buffer.alloc(0)
  for (const segment of segments) {
    sofar = Buffer.concat([sofar, segment])
    const { replies, outcome } = naiveServerHandshake(sofar)
    if (typeof outcome === 'object') return [...replies, `05000003${outcome.address}`]
  }
  return []
}

for (const segments of [[octets], [greeting, request], oneByOne]) {
  const replies = ours(segments).map((reply) => reply.toString('hex'))
  deepStrictEqual(replies, twin(segments))
}

await race('one segment', {
  ServerHandshake: () => void ours([octets]),
  'naive twin': () => void twin([octets]),
})
await race('greeting, then CONNECT', {
  ServerHandshake: () => void ours([greeting, request]),
  'naive twin': () => void twin([greeting, request]),
})
await race('octet by octet', {
  ServerHandshake: () => void ours(oneByOne),
  'naive twin': () => void twin(oneByOne),
})
await race('what fragments cost', {
  'one segment': () => void ours([octets]),
  'greeting, then CONNECT': () => void ours([greeting, request]),
  'octet by octet': () => void ours(oneByOne),
})
