// Goal: every client, in both directions, behind each server, through our proxy. Method: two hosts without a way to each
// other; the proxy counts the octets. test/interop/clients.test.ts has each client once, every day.

import {
  type FileClientKind,
  libpurple,
  moveFile,
  qxmpp,
  qxmppBeyondAscii,
  slixmpp,
  slixmppSi,
  streamhost,
} from '../helpers/file-clients.ts'
import { type FileNetwork, fileNetworkNeeds, startFileNetwork } from '../helpers/file-network.ts'
import { foreign } from '../helpers/foreign.ts'
import { SeenTransfers } from '../helpers/interop-document.ts'
import { ejabberd, prosody } from '../helpers/server.ts'

/** More than what sockets and relays hold on the way. */
const BYTES_MIN = 16 * 2 ** 20

const byStreamInitiation = [slixmppSi, libpurple, qxmpp, streamhost]
const pairs: readonly (readonly [from: FileClientKind, to: FileClientKind])[] = [
  [slixmpp, slixmpp],
  [qxmppBeyondAscii, qxmppBeyondAscii],
  ...byStreamInitiation.flatMap((from) => byStreamInitiation.map((to) => [from, to] as const)),
]

/** libpurple neither sends an empty file nor takes one, QXmpp does not send one. */
const emptyPairs = [
  [slixmppSi, streamhost],
  [streamhost, slixmppSi],
  [streamhost, qxmpp],
] as const

const seen = new SeenTransfers()

const needs = [...fileNetworkNeeds, ...new Set(pairs.flatMap(([from, to]) => [...from.needs, ...to.needs]))]

for (const kind of [prosody, ejabberd]) {
  let network: FileNetwork
  const test = foreign(`every client behind ${kind.name}`, [...kind.needs, ...needs])

  test.before(`a network around ${kind.name} starts`, async () => {
    network = await startFileNetwork(kind)
  })
  test.after.always(`the network around ${kind.name} ends`, () => network?.[Symbol.asyncDispose]())

  for (const [from, to] of pairs) {
    test.serial(`${from.name} sends a file to ${to.name}, through the proxy behind ${kind.name}`, async (t) => {
      seen.add(kind, from, to, await moveFile(t, network, { from, to, bytesMin: BYTES_MIN }))
    })
  }

  for (const [from, to] of emptyPairs) {
    test.serial(`${from.name} sends an empty file to ${to.name}, through the proxy behind ${kind.name}`, async (t) => {
      await moveFile(t, network, { from, to, bytesMin: 0 })
    })
  }
}

const testDocument = foreign('every client in docs/interop.md', [...prosody.needs, ...ejabberd.needs, ...needs])

testDocument.serial('docs/interop.md tells of every file that was moved, with the versions the clients tell', async (t) => {
  t.is(seen.size, pairs.length)
  t.deepEqual(await seen.untold(), [], 'docs/interop.md was written for other versions')
})
