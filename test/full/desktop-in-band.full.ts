// Goal: clients with windows in band, to and from our own commands, behind each server. Method: that of
// test/full/desktop-clients.full.ts, without a proxy: what arrives went through the XMPP server.

import { type DesktopNetwork, desktopNetworkNeeds, psi, psiInBand, startDesktopNetwork } from '../helpers/desktop.ts'
import { type FileClientKind, moveFileInBand, streamhost, streamhostInBand } from '../helpers/file-clients.ts'
import { foreign } from '../helpers/foreign.ts'
import { SeenTransfers } from '../helpers/interop-document.ts'
import { ejabberd, prosody } from '../helpers/server.ts'

const BYTES_MIN = 64 * 1024

const pairs: readonly (readonly [from: FileClientKind, to: FileClientKind])[] = [
  [psiInBand, streamhost],
  [streamhostInBand, psi],
]

const seen = new SeenTransfers(', in band')

const needs = [...new Set([...desktopNetworkNeeds, ...pairs.flatMap(([from, to]) => [...from.needs, ...to.needs])])]

for (const kind of [prosody, ejabberd]) {
  let network: DesktopNetwork
  const test = foreign(`desktop clients in band behind ${kind.name}`, [...kind.needs, ...needs])

  test.before(`a network for desktops without a proxy around ${kind.name} starts`, async () => {
    network = await startDesktopNetwork(kind, { proxy: false })
  })
  test.after.always(`the network for desktops without a proxy around ${kind.name} ends`, () => network?.[Symbol.asyncDispose]())

  for (const [from, to] of pairs) {
    test.serial(`${from.name} sends a file to ${to.name}, without a proxy, behind ${kind.name}`, async (t) => {
      seen.add(kind, from, to, await moveFileInBand(t, network, { from, to, bytesMin: BYTES_MIN }))
    })
  }
}

const testDocument = foreign('desktop clients in band in docs/interop.md', [...prosody.needs, ...ejabberd.needs, ...needs])

testDocument.serial('docs/interop.md tells of every file that a desktop client moved in band', async (t) => {
  t.is(seen.size, pairs.length)
  t.deepEqual(await seen.untold(), [], 'docs/interop.md was written for other versions')
})
