// Goal: clients with windows in band, to and from our own commands, behind each server; and what becomes of files to and
// from those that cannot. Method: that of test/full/desktop-clients.full.ts, without a proxy: what arrives went through the
// XMPP server.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type DesktopNetwork, desktopNetworkNeeds, dino, psi, psiInBand, startDesktopNetwork } from '../helpers/desktop.ts'
import { type FileClientKind, moveFileInBand, streamhost, streamhostInBand, streamhostOnce } from '../helpers/file-clients.ts'
import { foreign } from '../helpers/foreign.ts'
import { SeenTransfers } from '../helpers/interop-document.ts'
import { ejabberd, prosody } from '../helpers/server.ts'

const BYTES_MIN = 64 * 1024

const pairs: readonly (readonly [from: FileClientKind, to: FileClientKind])[] = [
  [psiInBand, streamhost],
  [streamhostInBand, psi],
]

/** Milliseconds: the time of a desktop to come up, on a machine with other things to do. */
const TEST_MS_MAX = 120_000

interface Offer {
  readonly from: FileClientKind
  readonly to: FileClientKind
}

const seen = new SeenTransfers(', in band')

const needs = [...new Set([...desktopNetworkNeeds, ...dino.needs, ...pairs.flatMap(([from, to]) => [...from.needs, ...to.needs])])]

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

  const offer = async (t: ExecutionContext, { from, to }: Offer) => {
    t.timeout(TEST_MS_MAX)
    const receiver = await to.start(t, network, 'receiver')
    const sender = await from.start(t, network, 'sender')
    const path = join(network.folder, 'offered.bin')
    await writeFile(path, 'offered')
    return { received: receiver.received(), sent: sender.send(receiver.jid, path) }
  }

  test.serial(`Dino 0.4.2 gives a file up that nobody has a streamhost for, and our send says so, behind ${kind.name}`, async (t) => {
    const { received, sent } = await offer(t, { from: streamhostOnce, to: dino })
    received.catch(() => {}) // It does not always notice itself.
    await t.throwsAsync(sent, { message: /send ended with 1: .*has ended the session: general-error/ })
  })

  test.serial(`Dino 0.4.2 gives a file up that it has no streamhost for, and our receive says so, behind ${kind.name}`, async (t) => {
    const { received, sent } = await offer(t, { from: dino, to: streamhost })
    await sent
    await t.throwsAsync(received, { message: /receive failed: .*has ended the session: general-error/ })
  })

  test.serial(`Dino 0.4.2 takes a file in band, and keeps none of it, behind ${kind.name}`, async (t) => {
    const { received, sent } = await offer(t, { from: streamhostInBand, to: dino })
    sent.catch(() => {}) // It answers every block, and says nothing in the end.
    await t.throwsAsync(received, { message: /Dino did not get the file/ })
  })
}

const testDocument = foreign('desktop clients in band in docs/interop.md', [...prosody.needs, ...ejabberd.needs, ...needs])

testDocument.serial('docs/interop.md tells of every file that a desktop client moved in band', async (t) => {
  t.is(seen.size, pairs.length)
  t.deepEqual(await seen.untold(), [], 'docs/interop.md was written for other versions')
})
