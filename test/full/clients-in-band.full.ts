// Goal: clients of others in band, to and from our own commands, behind each server. Method: two hosts without a way to each
// other, and no proxy: what arrives went through the XMPP server. test/interop/in-band.test.ts has some of them every day.

import {
  type FileClientKind,
  libpurple,
  moveFileInBand,
  qxmppInBand,
  slixmppInBand,
  streamhost,
  streamhostInBand,
} from '../helpers/file-clients.ts'
import { type FileNetwork, fileNetworkNeeds, startFileNetwork } from '../helpers/file-network.ts'
import { foreign } from '../helpers/foreign.ts'
import { SeenTransfers } from '../helpers/interop-document.ts'
import { ejabberd, prosody } from '../helpers/server.ts'

const BYTES_MIN = 64 * 1024

const pairs: readonly (readonly [from: FileClientKind, to: FileClientKind])[] = [
  ...[slixmppInBand, libpurple, qxmppInBand, streamhost].map((from) => [from, streamhost] as const),
  ...[slixmppInBand, libpurple].map((to) => [streamhost, to] as const),
  ...[slixmppInBand, libpurple, qxmppInBand, streamhost].map((to) => [streamhostInBand, to] as const),
]

const seen = new SeenTransfers(', in band')

const needs = [...fileNetworkNeeds, ...new Set(pairs.flatMap(([from, to]) => [...from.needs, ...to.needs]))]

for (const kind of [prosody, ejabberd]) {
  let network: FileNetwork
  const test = foreign(`every client in band behind ${kind.name}`, [...kind.needs, ...needs])

  test.before(`a network without a proxy around ${kind.name} starts`, async () => {
    network = await startFileNetwork(kind, { proxy: false })
  })
  test.after.always(`the network without a proxy around ${kind.name} ends`, () => network?.[Symbol.asyncDispose]())

  for (const [from, to] of pairs) {
    test.serial(`${from.name} sends a file to ${to.name}, without a proxy, behind ${kind.name}`, async (t) => {
      seen.add(kind, from, to, await moveFileInBand(t, network, { from, to, bytesMin: BYTES_MIN }))
    })
  }
}

const testDocument = foreign('every client in band in docs/interop.md', [...prosody.needs, ...ejabberd.needs, ...needs])

testDocument.serial('docs/interop.md tells of every file that was moved in band, with the versions the clients tell', async (t) => {
  t.is(seen.size, pairs.length)
  t.deepEqual(await seen.untold(), [], 'docs/interop.md was written for other versions')
})
