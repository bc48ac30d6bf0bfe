// Goal: clients of others and our own commands move files in band, by choice and where no streamhost works. Method: two
// hosts without a way to each other, and no proxy between them: what arrives went through the XMPP server.

import { type FileClientKind, libpurple, moveFileInBand, slixmppInBand, streamhost, streamhostInBand } from '../helpers/file-clients.ts'
import { type FileNetwork, fileNetworkNeeds, startFileNetwork } from '../helpers/file-network.ts'
import { foreign } from '../helpers/foreign.ts'
import { ejabberd, prosody, type ServerKind } from '../helpers/server.ts'

const BYTES_MIN = 20_000

const pairs: readonly (readonly [ServerKind, from: FileClientKind, to: FileClientKind, how: string])[] = [
  [prosody, slixmppInBand, streamhost, 'as it offers nothing else'],
  [prosody, streamhost, slixmppInBand, 'as it chooses that of both'],
  [ejabberd, streamhostInBand, libpurple, 'as we offer nothing else'],
  [ejabberd, streamhost, libpurple, 'under the same sid, when it can reach no streamhost of ours'],
  [ejabberd, libpurple, streamhost, 'under the same sid, when we can reach no streamhost of its'],
]

for (const kind of [prosody, ejabberd]) {
  let network: FileNetwork
  const own = pairs.filter(([server]) => server === kind)
  const needs = [...new Set(own.flatMap(([, from, to]) => [...from.needs, ...to.needs]))]
  const test = foreign(`clients in band behind ${kind.name}`, [...fileNetworkNeeds, ...kind.needs, ...needs])

  test.before(`a network without a proxy around ${kind.name} starts`, async () => {
    network = await startFileNetwork(kind, { proxy: false })
  })
  test.after.always(`the network without a proxy around ${kind.name} ends`, () => network?.[Symbol.asyncDispose]())

  for (const [, from, to, how] of own) {
    // One after another: an account of a client logs in once.
    test.serial(`${from.name} sends a file to ${to.name} without a proxy, ${how}, behind ${kind.name}`, async (t) => {
      await moveFileInBand(t, network, { from, to, bytesMin: BYTES_MIN })
    })
  }
}
