// Goal: clients with windows move files through our proxy, to each other and to and from our own commands, behind each
// server. Method: as
// with all clients, two hosts without a way to each other, where the proxy counts the octets; on each of the two hosts a
// desktop of its own, without a screen, where a program presses the buttons.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DesktopNetwork, desktopNetworkNeeds, dino, gajim, gajimAlone, psi, startDesktopNetwork } from '../helpers/desktop.ts'
import { type FileClientKind, moveFile, streamhost } from '../helpers/file-clients.ts'
import { foreign } from '../helpers/foreign.ts'
import { SeenTransfers } from '../helpers/interop-document.ts'
import { ejabberd, prosody } from '../helpers/server.ts'

/** Dino fetches by itself what is shorter than 5,000,000. */
const BYTES_MIN = 2_000_000

/** Milliseconds: the time of two desktops to come up, on a machine with other things to do. */
const TEST_MS_MAX = 120_000

const pairs: readonly (readonly [from: FileClientKind, to: FileClientKind])[] = [
  [dino, dino],
  [gajim, dino],
  [dino, streamhost],
  [gajim, streamhost],
  [gajimAlone, streamhost],
  [streamhost, dino],
  [psi, streamhost],
  [streamhost, psi],
]

const seen = new SeenTransfers()

const needs = [...new Set([...desktopNetworkNeeds, ...pairs.flatMap(([from, to]) => [...from.needs, ...to.needs])])]

for (const kind of [prosody, ejabberd]) {
  let network: DesktopNetwork
  const test = foreign(`desktop clients behind ${kind.name}`, [...kind.needs, ...needs])

  test.before(`a network for desktops around ${kind.name} starts`, async () => {
    network = await startDesktopNetwork(kind)
  })
  test.after.always(`the network for desktops around ${kind.name} ends`, () => network?.[Symbol.asyncDispose]())

  for (const [from, to] of pairs) {
    test.serial(`${from.name} sends a file to ${to.name}, through the proxy behind ${kind.name}`, async (t) => {
      seen.add(kind, from, to, await moveFile(t, network, { from, to, bytesMin: BYTES_MIN }))
    })
  }

  test.serial(`Gajim 1.7.3 knows the proxy, but fails on any offer of a file, behind ${kind.name}`, async (t) => {
    t.timeout(TEST_MS_MAX)
    const receiver = await gajim.start(t, network, 'receiver')
    const sender = await dino.start(t, network, 'sender')
    const path = join(network.folder, 'offered.bin')
    await writeFile(path, 'offered')
    await sender.send(receiver.jid, path)
    await t.throwsAsync(receiver.received(), { message: /missing 1 required positional argument: 'file_props'/ })
  })
}

const testDocument = foreign('desktop clients in docs/interop.md', [...prosody.needs, ...ejabberd.needs, ...needs])

testDocument.serial('docs/interop.md tells of every file that a desktop client moved', async (t) => {
  t.is(seen.size, pairs.length)
  t.deepEqual(await seen.untold(), [], 'docs/interop.md was written for other versions')
})
