// Goal: clients of others move files through our proxy, and to and from our own commands. Method: two hosts without a way
// to each other; the proxy counts the octets. Each client once on each server; test/full/clients.full.ts has every pair.

import { type FileClientKind, libpurple, moveFile, slixmpp, slixmppSi, streamhost } from '../helpers/file-clients.ts'
import { type FileNetwork, fileNetworkNeeds, startFileNetwork } from '../helpers/file-network.ts'
import { foreign } from '../helpers/foreign.ts'
import type { Host } from '../helpers/namespaces.ts'
import { until } from '../helpers/peer.ts'
import { ejabberd, prosody, type ServerKind } from '../helpers/server.ts'

const BYTES_MIN = 100_000

const pairs: readonly (readonly [ServerKind, from: FileClientKind, to: FileClientKind])[] = [
  [prosody, slixmpp, slixmpp],
  [prosody, libpurple, libpurple],
  [prosody, slixmppSi, streamhost],
  [ejabberd, slixmpp, slixmpp],
  [ejabberd, libpurple, streamhost],
  [ejabberd, streamhost, libpurple],
]

for (const kind of [prosody, ejabberd]) {
  let network: FileNetwork
  const own = pairs.filter(([server]) => server === kind)
  const needs = [...new Set(own.flatMap(([, from, to]) => [...from.needs, ...to.needs]))]
  const test = foreign(`clients behind ${kind.name}`, [...fileNetworkNeeds, ...kind.needs, ...needs])

  test.before(`a network around ${kind.name} starts`, async () => {
    network = await startFileNetwork(kind)
  })
  test.after.always(`the network around ${kind.name} ends`, () => network?.[Symbol.asyncDispose]())

  for (const [, from, to] of own) {
    test(`${from.name} sends a file to ${to.name}, through the proxy behind ${kind.name}`, async (t) => {
      await moveFile(t, network, { from, to, bytesMin: BYTES_MIN })
    })
  }

  test(`slixmpp opens both streamhosts our send offers, and gets the file through one of them, behind ${kind.name}`, async (t) => {
    const { relayed } = await moveFile(t, network, { from: streamhost, to: slixmppSi, bytesMin: BYTES_MIN })
    const { ipv4, ipv6 } = network.star.leaves[1] as Host
    // The one it does not wait for may come too late for a place, or when the file is there.
    const isOpened = (address: string) =>
      network.log.some(
        ({ dstAddr, msg, remoteAddress }) => remoteAddress === address && (dstAddr === relayed.dstAddr || msg === 'turned a socket away'),
      )
    await until(() => isOpened(ipv4) && isOpened(ipv6))
  })
}
