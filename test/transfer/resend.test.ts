import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { utimesSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { type Bytestream, InBandTarget } from '../../src/bytestreams/index.ts'
import { BytestreamError, silentLogger, systemClock } from '../../src/core/index.ts'
import type { SendInit } from '../../src/transfer/index.ts'
import {
  buildSiRange,
  buildStreamAcceptance,
  type JingleContent,
  type JingleFile,
  NS,
  parseSiFile,
  parseStreamInitiation,
  type SiRange,
} from '../../src/xep/index.ts'
import { readAll } from '../helpers/in-band.ts'
import { JingleHand } from '../helpers/jingle-hand.ts'
import { makeFile } from '../helpers/transfers.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

// Goal: a sender whose transfer broke offers the file again, and sends what the receiver asks for, no more, and never two files as one.
// Method: our sender on the embedded server, and a receiver that speaks by hand, in band, and breaks off where it likes.

// More than what can be on its way in band, so that a sender is in the midst when it breaks.
const SIZE = 300_000

async function setScene(t: ExecutionContext) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const session = await network.logIn('receiver')
  const target = new InBandTarget({ session, clock: systemClock, logger: silentLogger })
  const sender = await network.connect('sender', { reconnect: true })
  const file = await makeFile(t, SIZE)
  const send = (init: Partial<SendInit> = {}) => {
    const transfer = sender.send(file.path, { to: session.jid, negotiation: 'jingle', method: 'ibb', ...init })
    const told: unknown[] = []
    transfer.on('interrupted', ({ attempt }) => told.push(`interrupted ${attempt}`)).on('resumed', (facts) => told.push(facts))
    return Object.assign(transfer, { told })
  }
  const stopping = new AbortController()
  t.teardown(() => stopping.abort())
  const expect = (sid: string) => target.expect({ from: sender.jid, sid, signal: stopping.signal }) as Promise<Bytestream>
  return { network, session, sender, file, send, expect }
}

async function setJingleScene(t: ExecutionContext) {
  const scene = await setScene(t)
  const hand = new JingleHand(scene.session)
  const { sender, expect } = scene
  /** Accepts the next offer, as it is or in part, and gives its bytestream. */
  const take = async (answered: Partial<JingleFile> = {}) => {
    const { sid, contents } = await hand.hear('session-initiate')
    const [content] = contents as readonly [JingleContent]
    const offered = content.description?.kind === 'file' ? content.description.file : { hashes: [], hashUsed: [] }
    const opened = expect(content.transport?.kind === 'inBand' ? content.transport.sid : '')
    const description = { kind: 'file', file: { ...offered, ...answered } } as const
    await hand.say(sender.jid, { sid, action: 'session-accept', contents: [{ ...content, description }] })
    const bytestream = await opened
    bytestream.stream.on('error', () => {})
    const end = (reason: Parameters<JingleHand['say']>[1]['reason']) => hand.say(sender.jid, { sid, action: 'session-terminate', reason })
    return { ...bytestream, offered, end }
  }
  return { ...scene, hand, take }
}

/** Reads so many octets of a bytestream, or a few more, and breaks it. */
async function breakAfter({ stream, reset }: Pick<Bytestream, 'stream' | 'reset'>, bytes: number): Promise<Buffer> {
  const taken: Buffer[] = []
  let left = bytes
  for await (const octets of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    taken.push(octets)
    left -= octets.length
    if (left <= 0) break
  }
  reset()
  return Buffer.concat(taken)
}

const success = { condition: 'success' } as const

test('Jingle: broken off in the midst, the file is offered again, and sent from where the receiver wants it', async (t) => {
  const { hand, send, take, file } = await setJingleScene(t)
  const transfer = send()
  const first = await take()
  t.deepEqual(first.offered.range, { offset: undefined, length: undefined, hashes: undefined })
  const had = await breakAfter(first, 30_000)
  const second = await take({ range: { offset: had.length } })
  await once(second.stream, 'readable')
  const value = createHash('sha256').update(had).digest()
  const told = hand.heard.filter(({ action }) => action === 'session-info').at(-1)?.info
  t.like(told, { kind: 'checksum', file: { range: { offset: 0, length: had.length, hashes: [{ algo: 'sha-256', value }] } } })
  t.true(file.content.equals(Buffer.concat([had, await readAll(second.stream)])))
  await second.end(success)
  const result = await transfer.done
  t.like(result, { size: SIZE, sha256: file.sha256, resumedFrom: had.length, attempts: 2, confirmed: true })
  // What was on its way when it broke is all that travelled twice: a window of blocks.
  t.true(result.movedBytes <= SIZE + 65_536)
  t.deepEqual(transfer.told, ['interrupted 1', { offset: had.length }])
})

test('Jingle: a receiver that cannot do ranges gets all of it again, and the sender says so', async (t) => {
  const { session, send, take, file } = await setJingleScene(t)
  const transfer = send()
  await breakAfter(await take({ range: undefined }), 30_000)
  const second = await take({ range: undefined })
  t.true(file.content.equals(await readAll(second.stream)))
  await second.end(success)
  t.like(await transfer.done, { resumedFrom: 0, attempts: 2 })
  t.deepEqual(transfer.told, ['interrupted 1', { offset: 0, reason: `${session.jid} wants all of it` }])
})

test('Jingle: a receiver that has other octets than the file begins with gets all of it, and is offered no part any more', async (t) => {
  const { send, take, file } = await setJingleScene(t)
  const transfer = send()
  await breakAfter(await take(), 30_000)
  const second = await take({ range: { offset: 10_000 } })
  await second.end({ condition: 'media-error', text: 'these are others' })
  const third = await take({ range: undefined })
  t.is(third.offered.range, undefined)
  t.true(file.content.equals(await readAll(third.stream)))
  await third.end(success)
  t.like(await transfer.done, { resumedFrom: 0, attempts: 3, sha256: file.sha256 })
  t.like(transfer.told.at(-1), { offset: 0 })
})

test('Jingle: a whole file whose content the receiver finds wrong is not sent again', async (t) => {
  const { send, take } = await setJingleScene(t)
  const transfer = send()
  const { stream, end } = await take()
  await readAll(stream)
  await end({ condition: 'media-error' })
  await t.throwsAsync(transfer.done, { code: 'ERR_INTEGRITY' })
  t.deepEqual(transfer.told, [])
})

test('Jingle: a receiver that cancels, or declines the second time, is not asked again', async (t) => {
  for (const [condition, code] of [
    ['cancel', 'ERR_CANCELLED'],
    ['decline', 'ERR_DECLINED'],
  ] as const) {
    const { hand, send, take, sender } = await setJingleScene(t)
    const transfer = send()
    const first = await take()
    if (condition === 'cancel') await first.end({ condition })
    else {
      await breakAfter(first, 1)
      const { sid } = await hand.hear('session-initiate')
      await hand.say(sender.jid, { sid, action: 'session-terminate', reason: { condition } })
    }
    await t.throwsAsync(transfer.done, { code })
  }
})

test('Jingle: a receiver that wants more than there is, the second time, gets nothing, and no third offer', async (t) => {
  const { send, take } = await setJingleScene(t)
  const transfer = send()
  await breakAfter(await take(), 1)
  take({ range: { offset: SIZE + 1 } }).catch(() => {})
  await t.throwsAsync(transfer.done, { code: 'ERR_ITEM_NOT_FOUND' })
  t.deepEqual(transfer.told, ['interrupted 1'])
})

test('a file that was changed between two attempts is not sent as if it were the same', async (t) => {
  const { send, take, file } = await setJingleScene(t)
  const transfer = send()
  await breakAfter(await take(), 30_000)
  utimesSync(file.path, new Date(), new Date(0))
  await t.throwsAsync(transfer.done, { code: 'ERR_INTEGRITY', message: 'file.bin changed while it was being sent' })
})

/** A receiver by stream initiation that breaks off, and then wants what `range` says. */
async function sendBySi(t: ExecutionContext, range: (had: number) => SiRange | undefined) {
  const { session, send, expect, file } = await setScene(t)
  const streams: Promise<Bytestream>[] = []
  const offers: unknown[] = []
  let had: Buffer = Buffer.alloc(0)
  let whole: Buffer = Buffer.alloc(0)
  session.iqs.handle('set', NS.si, 'si', ({ payload }) => {
    const { id, payload: offered } = parseStreamInitiation(payload)
    offers.push(parseSiFile(offered).range)
    const wanted = streams.length > 0 ? range(had.length) : undefined
    const opened = expect(id)
    streams.push(opened)
    void opened.then(
      async (bytestream) => {
        bytestream.stream.on('error', () => {})
        if (streams.length === 1) had = await breakAfter(bytestream, 30_000)
        else {
          whole = await readAll(bytestream.stream)
          bytestream.stream.end()
        }
      },
      () => {},
    )
    return buildStreamAcceptance(NS.inBand, wanted && buildSiRange(wanted))
  })
  const transfer = send({ negotiation: 'si' })
  await transfer.done.catch(() => {})
  return { transfer, offers, had, received: whole, file }
}

test('stream initiation: broken off in the midst, the file is sent from where the receiver wants it (XEP-0096 §2)', async (t) => {
  const { transfer, offers, had, received, file } = await sendBySi(t, (bytes) => ({ offset: bytes }))
  const result = await transfer.done
  t.like(result, { size: SIZE, sha256: file.sha256, resumedFrom: had.length, attempts: 2, confirmed: true })
  t.true(file.content.equals(Buffer.concat([had, received])))
  t.deepEqual(offers, Array(2).fill({ offset: undefined, length: undefined }))
  t.deepEqual(transfer.told, ['interrupted 1', { offset: had.length }])
})

test('stream initiation: a receiver that says nothing of a range gets all of it again', async (t) => {
  const { transfer, received, file } = await sendBySi(t, () => undefined)
  t.like(await transfer.done, { resumedFrom: 0, attempts: 2 })
  t.true(file.content.equals(received))
  t.like(transfer.told, ['interrupted 1', { offset: 0 }] as never)
})

test('stream initiation: a receiver that wants a part from the midst gets that, with its hash', async (t) => {
  const { transfer, received, file } = await sendBySi(t, () => ({ offset: 100, length: 5 }))
  const part = file.content.subarray(100, 105)
  t.true(part.equals(received))
  t.like(await transfer.done, { size: 5, sha256: createHash('sha256').update(part).digest('hex') })
})

test('stream initiation: a receiver that wants more than there is gets nothing', async (t) => {
  const { transfer } = await sendBySi(t, () => ({ offset: SIZE + 1 }))
  await t.throwsAsync(transfer.done, { code: 'ERR_ITEM_NOT_FOUND' })
})

test('stream initiation: a receiver whose disk has filled says so at the next offer, and none follows', async (t) => {
  const { transfer, offers } = await sendBySi(t, () => {
    throw new BytestreamError('ERR_DISK_SPACE', 'there is no room for the file')
  })
  await t.throwsAsync(transfer.done, { code: 'ERR_FILE_TOO_LARGE', message: /declined: there is no room for the file$/ })
  t.is(offers.length, 2)
  t.deepEqual(transfer.told, ['interrupted 1'])
})

test('stream initiation: a receiver that has too much to do is offered the file again', async (t) => {
  let offered = 0
  const { transfer } = await sendBySi(t, (bytes) => {
    offered += 1
    if (offered === 1) throw new BytestreamError('ERR_LIMIT_WAITING', 'too many at once')
    return { offset: bytes }
  })
  t.like(await transfer.done, { attempts: 3 })
})
