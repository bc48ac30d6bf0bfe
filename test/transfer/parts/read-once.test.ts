import { createHash, randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { openInBand } from '../../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../../src/core/index.ts'
import type { JingleContent } from '../../../src/xep/index.ts'
import { JingleHand, offeredFile } from '../../helpers/jingle-hand.ts'
import { leavePart } from '../../helpers/parts.ts'
import { countReads } from '../../helpers/reads.ts'
import { makeFolder, nextTransfer } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: neither side can have the other read a large file again and again with a few stanzas.
// Method: our receiver, and our sender, on the embedded server, against somebody who breaks off at once; the octets are counted that are read.

const MIB = 2 ** 20
const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest()

test.serial('whoever offers the rest of a file, and breaks off, again and again, has what is here read once', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const into = join(await makeFolder(t), 'inbox')
  const client = await network.connect('receiver')
  const receiver = client.receive({ into, from: ['sender@localhost'] })
  const content = randomBytes(4 * MIB)
  const date = '2026-11-21T19:40:42Z'
  const here = content.length - 5
  const part = { from: 'sender@localhost', name: 'file.bin', size: content.length, modifiedS: Date.parse(date) / 1000 }
  await leavePart(into, content.subarray(0, here), part)
  const session = await network.logIn('sender')
  const hand = new JingleHand(session)
  const facts = { size: content.length, date, hashes: [], hashUsed: ['sha-256'], range: {} }
  const reads = await countReads(t)
  const offer = async (sid: string) => {
    const incoming = nextTransfer(receiver)
    await hand.say(client.jid, { sid, action: 'session-initiate', contents: [offeredFile(facts, sid)] })
    const { contents } = await hand.hear('session-accept')
    t.like(contents[0]?.description, { kind: 'file', file: { range: { offset: here } } })
    return await incoming
  }
  for (let round = 0; round < 8; round++) {
    const transfer = await offer(`offer-${round}`)
    await hand.say(client.jid, { sid: `offer-${round}`, action: 'session-terminate', reason: { condition: 'cancel' } })
    await t.throwsAsync(transfer.done)
  }
  const transfer = await offer('last')
  const { stream } = await openInBand({ session, clock: systemClock, logger: silentLogger }, { to: client.jid, sid: 'for-last' })
  stream.on('error', () => {})
  stream.end(content.subarray(here))
  const checksum = { hashes: [{ algo: 'sha-256', value: sha256(content) }], hashUsed: [] }
  await hand.say(client.jid, { sid: 'last', action: 'session-info', info: { kind: 'checksum', file: checksum } })
  t.like(await transfer.done, { verified: 'sha-256', resumedFrom: here })
  t.is(reads.octets(), here)
})

test.serial(
  'whoever asks for a little more of the end of a file, again and again, has it read once, and then a 32nd each time',
  async (t) => {
    const network = await startNetwork(t, ['sender', 'receiver'])
    const { size } = await stat(process.execPath)
    const client = await network.connect('sender')
    client.share({ to: ['receiver@localhost'], mayFetch: () => process.execPath })
    const hand = new JingleHand(await network.logIn('receiver'))
    const reads = await countReads(t)
    const rounds = 8
    for (let less = 1; less <= rounds; less++) {
      const sid = `request-${less}`
      const offset = size - less
      const asked = offeredFile({ size: undefined, range: { offset } }, sid)
      const contents: JingleContent[] = [{ ...asked, senders: 'responder' }]
      await hand.say(client.jid, { sid, action: 'session-initiate', contents })
      const { info } = await hand.hear('session-info')
      if (info?.kind !== 'checksum') return t.fail()
      const { length, hashes } = info.file.range ?? {}
      t.is(length, offset)
      if (less === rounds) t.deepEqual(hashes?.[0]?.value, sha256((await readFile(process.execPath)).subarray(0, offset)))
      await hand.say(client.jid, { sid, action: 'session-terminate', reason: { condition: 'cancel' } })
    }
    t.true(reads.octets() >= size - 1)
    t.true(reads.octets() <= size + (rounds - 1) * (Math.ceil(size / 32) + MIB), `${reads.octets()}`)
  },
)
