import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { TransferEvents } from '../../../src/transfer/index.ts'
import { leavePart } from '../../helpers/parts.ts'
import { filesIn, makeFile, makeFolder, nextTransfer } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: our two ends go on where they were, whatever they negotiate and whichever way the octets go.
// Method: a part as an interruption leaves it, and the same file sent again, on the embedded server.

const PART_BYTES = 200_000

for (const negotiation of ['jingle', 'si'] as const) {
  for (const method of ['direct', 'ibb'] as const) {
    for (const isRight of [true, false]) {
      const what = isRight
        ? 'only the rest travels'
        : 'other octets than the file begins with are thrown away, and all of it travels by itself'
      test(`by ${negotiation} and ${method}: ${what}`, async (t) => {
        const network = await startNetwork(t, ['sender', 'receiver'])
        const { path, content, sha256 } = await makeFile(t, 300_000)
        const into = join(await makeFolder(t), 'inbox')
        const modifiedS = Math.floor((await stat(path)).mtimeMs / 1000)
        const first = isRight ? content.subarray(0, PART_BYTES) : Buffer.alloc(PART_BYTES)
        await leavePart(into, first, { from: 'sender@localhost', size: content.length, modifiedS })
        const receiver = await network.connect('receiver')
        const sender = await network.connect('sender', { reconnect: true })
        const receiving = receiver.receive({ into, from: ['sender@localhost'] })
        const resumed: TransferEvents['resumed'][0][] = []
        receiving.on('transfer', (transfer) => transfer.on('resumed', (facts) => resumed.push(facts)))
        const incoming = nextTransfer(receiving)
        const sending = sender.send(path, { to: receiver.jid, negotiation, method, ownHosts: ['127.0.0.1'] })
        const begun = await incoming
        if (!isRight) await t.throwsAsync(begun.done, { code: 'ERR_INTEGRITY' })
        const sent = await sending.done
        const resumedFrom = isRight ? PART_BYTES : 0
        t.like(sent, { sha256, resumedFrom, confirmed: true, attempts: isRight ? 1 : 2, size: content.length })
        t.deepEqual(resumed, [{ offset: PART_BYTES }])
        if (isRight) {
          t.like(await begun.done, { sha256, verified: 'sha-256', resumedFrom, movedBytes: 100_000 })
          t.is(sent.movedBytes, 100_000)
        }
        t.deepEqual(await readFile(join(into, 'file.bin')), content)
        t.deepEqual(await filesIn(into), ['file.bin'])
      })
    }
  }
}
