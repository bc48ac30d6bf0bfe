import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { type Bytestream, InBandTarget } from '../../../src/bytestreams/index.ts'
import { BytestreamError, type Clock, silentLogger, systemClock } from '../../../src/core/index.ts'
import type { SendInit, Transfer } from '../../../src/transfer/index.ts'
import { buildDiscoInfoRequest, type Jingle, type JingleContent, type JingleFile, type JingleReason } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { readAll } from '../../helpers/in-band.ts'
import { JingleHand } from '../../helpers/jingle-hand.ts'
import { stanzaError } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'
import { steadyClock } from '../../helpers/steady-clock.ts'
import { makeFile, moved, type TestFile } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: a sender by Jingle knows whether its file has arrived, and says what went wrong, whatever its receiver does.
// Method: our sender on the embedded server, and a receiver that speaks by hand, in band.

interface SceneInit {
  readonly answer?: (jingle: Jingle) => void
  readonly clock?: Clock
  readonly files?: readonly number[]
  readonly concurrency?: number
}

async function setScene(t: ExecutionContext, { answer, clock = steadyClock(), files: sizes = [70_000], concurrency = 4 }: SceneInit = {}) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const session = await network.logIn('receiver')
  const hand = new JingleHand(session, answer)
  const target = new InBandTarget({ session, clock: systemClock, logger: silentLogger })
  const sender = await network.connect('sender', { concurrency }, { clock })
  const files = await Promise.all(sizes.map((size, at) => makeFile(t, size, `${at}.bin`)))
  const send = (init: Partial<SendInit> = {}) =>
    sender.sendAll(
      files.map(({ path }) => path),
      { to: session.jid, negotiation: 'jingle', method: 'ibb', ...init },
    ) as readonly [Transfer, ...Transfer[]]
  const say = (sid: string, jingle: Omit<Parameters<JingleHand['say']>[1], 'sid'>) => hand.say(sender.jid, { sid, ...jingle })
  const terminate = (sid: string, reason: JingleReason) => say(sid, { action: 'session-terminate', reason })
  /** Accepts contents as they were offered. */
  const accept = (sid: string, contents: readonly JingleContent[]) => say(sid, { action: 'session-accept', contents })
  const expect = ({ transport }: JingleContent) =>
    target.expect({ from: sender.jid, sid: transport?.kind === 'inBand' ? transport.sid : '' }) as Promise<Bytestream>
  /** Takes the session as it is offered, and gives its first bytestream. */
  const take = async (answered?: Partial<JingleFile>) => {
    const { sid, contents } = await hand.hear('session-initiate')
    const [content] = contents as readonly [JingleContent]
    const file = content.description?.kind === 'file' ? content.description.file : { hashes: [], hashUsed: [] }
    const opened = expect(content)
    await accept(sid, [{ ...content, description: { kind: 'file', file: { ...file, ...answered } } }])
    const bytestream = await opened
    bytestream.stream.on('error', () => {})
    return { ...bytestream, sid, content }
  }
  return { hand, send, say, terminate, accept, expect, take, file: files[0] as TestFile, files, session, sender }
}

const success = { condition: 'success' } as const

test('a receiver that says it has the file has confirmed it; it is told the hash, and the session is ended for it', async (t) => {
  const clock = new FakeClock()
  const { hand, send, say, take, file } = await setScene(t, { clock })
  const [transfer] = send()
  const { sid, content, stream } = await take()
  t.true(file.content.equals(await readAll(stream)))
  stream.end()
  const { info } = await hand.hear('session-info')
  t.true(info?.kind === 'checksum' && info.file.hashes[0]?.value.toString('hex') === file.sha256)
  await say(sid, { action: 'session-info', info: { kind: 'received', creator: content.creator, name: content.name } })
  t.like(await transfer.done, { sha256: file.sha256, confirmed: true })
  await settle()
  clock.advance(10_000)
  t.deepEqual((await hand.hear('session-terminate')).reason, {
    ...success,
    text: undefined,
    application: undefined,
    alternativeSid: undefined,
  })
})

test('a receiver that has the file is given until it has closed, or 10 s: the sender may log out behind that', async (t) => {
  for (const isClosing of [true, false]) {
    const clock = new FakeClock()
    const { send, say, take } = await setScene(t, { clock })
    const [transfer] = send()
    const { sid, content, stream, totals } = await take()
    await readAll(stream)
    await say(sid, { action: 'session-info', info: { kind: 'received', creator: content.creator, name: content.name } })
    await say(sid, { action: 'session-info' }) // Its answer comes behind all that comes of the other.
    t.is(transfer.state, 'moving')
    if (isClosing) stream.end()
    else clock.advance(10_000)
    t.like(await transfer.done, { confirmed: true })
    if (isClosing) t.is((await totals).end, 'closed')
  }
})

test('COMPAT(Dino): a receiver that knows no checksum, and ends the session with the last octet, has confirmed it', async (t) => {
  const { send, terminate, take, file } = await setScene(t, {
    answer: ({ action }) => {
      if (action === 'session-info') throw new BytestreamError('ERR_JINGLE_UNSUPPORTED_INFO', '')
    },
  })
  const [transfer] = send()
  const { sid, stream } = await take()
  let left = file.content.length
  for await (const octets of stream.iterator({ destroyOnReturn: false })) {
    left -= octets.length
    if (left === 0) break
  }
  await terminate(sid, success)
  t.like(await transfer.done, { confirmed: true })
})

for (const [condition, code] of [
  ['media-error', 'ERR_INTEGRITY'],
  ['cancel', 'ERR_CANCELLED'],
  ['failed-application', 'ERR_RESET'],
  ['timeout', 'ERR_TIMEOUT'],
] as const) {
  test(`a receiver that ends the session behind the last octet with ${condition} has not got it`, async (t) => {
    const { send, terminate, take } = await setScene(t)
    const [transfer] = send()
    const { sid, stream } = await take()
    await readAll(stream)
    await terminate(sid, { condition, text: 'its content is wrong' })
    await t.throwsAsync(transfer.done, { code, message: new RegExp(`${condition}, its content is wrong`) })
  })
}

for (const step of ['before it accepts', 'when it has accepted', 'when the bytestream is open', 'in the midst'] as const) {
  for (const condition of ['decline', 'cancel'] as const) {
    test(`a receiver that ends the session ${step} with ${condition}`, async (t) => {
      const { hand, send, accept, expect, terminate } = await setScene(t, { files: [8 * 1024 * 1024] })
      const [transfer] = send()
      const { sid, contents } = await hand.hear('session-initiate')
      if (step !== 'before it accepts') {
        const opened = expect(contents[0] as JingleContent)
        opened.catch(() => {})
        await accept(sid, contents)
        if (step !== 'when it has accepted') {
          const { stream } = await opened
          stream.on('error', () => {})
          if (step === 'in the midst') {
            stream.resume()
            await moved(transfer, 1)
          }
        }
      }
      await terminate(sid, { condition })
      await t.throwsAsync(transfer.done, {
        code: condition === 'decline' ? 'ERR_DECLINED' : 'ERR_CANCELLED',
        message: new RegExp(condition),
      })
    })
  }
}

test('a receiver that wants the rest hears the hash of what it has before the first octet, then those of the whole and of the rest (XEP-0234 §6.4, §8.1)', async (t) => {
  const { hand, send, terminate, take, file } = await setScene(t)
  const [transfer] = send()
  const resumed = once(transfer, 'resumed')
  const { sid, stream } = await take({ range: { offset: 60_000 } })
  const hashOf = (content: Buffer) => [{ algo: 'sha-256', value: createHash('sha256').update(content).digest() }]
  const prefix = { offset: 0, length: 60_000, hashes: hashOf(file.content.subarray(0, 60_000)) }
  await once(stream, 'readable')
  t.like(hand.heard.at(-1)?.info, { kind: 'checksum', file: { hashes: [], range: prefix } })
  const rest = file.content.subarray(60_000)
  t.true(rest.equals(await readAll(stream)))
  await hand.hear('session-info')
  const range = { offset: 60_000, length: 10_000, hashes: hashOf(rest) }
  t.like((await hand.hear('session-info')).info, { kind: 'checksum', file: { hashes: hashOf(file.content), range } })
  await terminate(sid, success)
  t.like(await transfer.done, { size: 70_000, sha256: file.sha256, resumedFrom: 60_000, attempts: 1, movedBytes: 10_000, confirmed: true })
  t.deepEqual(await resumed, [{ offset: 60_000 }])
})

test('a receiver that has all of it, and does not know whether it is right, gets the hash', async (t) => {
  const { hand, send, terminate, take, file } = await setScene(t)
  const [transfer] = send()
  const { sid, stream } = await take({ range: { offset: 70_000 } })
  t.is((await readAll(stream)).length, 0)
  await hand.hear('session-info')
  t.like((await hand.hear('session-info')).info, { file: { hashes: [{ value: Buffer.from(file.sha256, 'hex') }] } } as object)
  await terminate(sid, success)
  t.like(await transfer.done, { size: 70_000, sha256: file.sha256, movedBytes: 0 })
})

test('a receiver that wants a part from the midst gets it, and its hash (XEP-0234 §6.4)', async (t) => {
  const { hand, send, terminate, take, file } = await setScene(t)
  const [transfer] = send()
  const { sid, stream } = await take({ range: { offset: 100, length: 5 } })
  const part = file.content.subarray(100, 105)
  t.true(part.equals(await readAll(stream)))
  const { info } = await hand.hear('session-info')
  const value = createHash('sha256').update(part).digest()
  t.like(info, { file: { hashes: [], range: { offset: 100, length: 5, hashes: [{ algo: 'sha-256', value }] } } } as object)
  await terminate(sid, success)
  t.like(await transfer.done, { size: 5, resumedFrom: 0, confirmed: true })
})

test('a receiver that wants what the file does not have gets nothing', async (t) => {
  const { hand, send, take } = await setScene(t)
  const [transfer] = send()
  void take({ range: { offset: 70_001 } }).catch(() => {})
  await t.throwsAsync(transfer.done, { code: 'ERR_ITEM_NOT_FOUND' })
  t.is((await hand.hear('session-terminate')).reason?.condition, 'failed-application')
})

test('a receiver that closes, and says nothing, is believed after its time, unconfirmed', async (t) => {
  const clock = new FakeClock()
  const { send, say, take } = await setScene(t, { clock })
  const [transfer] = send()
  const { sid, stream, totals } = await take()
  await readAll(stream)
  stream.end()
  await totals
  await say(sid, { action: 'session-info' }) // Its answer comes behind all that comes of the other.
  clock.advance(29_999)
  await settle()
  t.is(transfer.state, 'moving')
  clock.advance(1)
  t.like(await transfer.done, { confirmed: false })
})

test('a receiver that breaks the bytestream behind the last octet, and says nothing, has not got it', async (t) => {
  const clock = new FakeClock()
  const { send, take, file, session, sender } = await setScene(t, { clock })
  const [transfer] = send()
  const { stream, reset } = await take()
  let left = file.content.length
  for await (const octets of stream.iterator({ destroyOnReturn: false })) {
    left -= octets.length
    if (left === 0) break
  }
  await moved(transfer, 70_000)
  reset()
  const failed = t.throwsAsync(transfer.done, { code: 'ERR_RESET' })
  while (transfer.state === 'moving') {
    // A second for each answer: nobody is late by that.
    await session.request({ type: 'get', to: sender.jid, payload: buildDiscoInfoRequest() })
    clock.advance(1_000)
    await settle()
  }
  await failed
})

test('a file that has grown since it was offered is not passed off as whole', async (t) => {
  const { hand, send, accept, expect, file } = await setScene(t)
  const [transfer] = send()
  const { sid, contents } = await hand.hear('session-initiate')
  await appendFile(file.path, 'more')
  const opened = expect(contents[0] as JingleContent)
  await accept(sid, contents)
  const { stream } = await opened
  stream.on('error', () => {})
  stream.resume()
  await t.throwsAsync(transfer.done, { code: 'ERR_INTEGRITY', message: /changed while it was being sent/ })
  t.is((await hand.hear('session-terminate')).reason?.condition, 'media-error')
})

test('cancelled while the receiver decides: the session is ended', async (t) => {
  const { hand, send } = await setScene(t)
  const [transfer] = send()
  await hand.hear('session-initiate')
  transfer.cancel()
  await t.throwsAsync(transfer.done, { code: 'ERR_ABORTED' })
  t.is((await hand.hear('session-terminate')).reason?.condition, 'cancel')
})

test('one of several that is cancelled while the receiver decides is taken out alone', async (t) => {
  const { hand, send, terminate } = await setScene(t, { files: [10, 20] })
  const [one, two] = send() as readonly [Transfer, Transfer]
  const { sid } = await hand.hear('session-initiate')
  one.cancel()
  await t.throwsAsync(one.done, { code: 'ERR_ABORTED' })
  t.is((await hand.hear('content-remove')).reason?.condition, 'cancel')
  await terminate(sid, { condition: 'decline' })
  await t.throwsAsync(two.done, { code: 'ERR_DECLINED' })
})

/** Has a receiver take files one by one: each in a session of its own. */
async function takeAlone({ hand, accept, expect, terminate }: Awaited<ReturnType<typeof setScene>>, count: number): Promise<string[]> {
  const names: string[] = []
  for (let taken = 0; taken < count; taken++) {
    const { sid, contents } = await hand.hear('session-initiate')
    if (contents.length !== 1) throw new Error(`${contents.length} contents`)
    const [content] = contents as readonly [JingleContent]
    if (content.description?.kind === 'file') names.push(content.description.file.name ?? '')
    const opened = expect(content)
    await accept(sid, contents)
    const { stream } = await opened
    await readAll(stream)
    stream.end()
    await terminate(sid, success)
  }
  return names.sort()
}

test('a receiver that takes no session of several files gets each in its own', async (t) => {
  const scene = await setScene(t, {
    files: [10, 20],
    answer: ({ action, contents }) => {
      if (action === 'session-initiate' && contents.length > 1) throw stanzaError('bad-request')
    },
  })
  const transfers = scene.send()
  t.deepEqual(await takeAlone(scene, 2), ['0.bin', '1.bin'])
  for (const { done } of transfers) t.like(await done, { confirmed: true })
})

test('a receiver that ends a session of several files as too much for it gets each in its own', async (t) => {
  const scene = await setScene(t, { files: [10, 20] })
  const transfers = scene.send()
  const { sid } = await scene.hand.hear('session-initiate')
  await scene.terminate(sid, { condition: 'general-error' })
  t.deepEqual(await takeAlone(scene, 2), ['0.bin', '1.bin'])
  for (const { done } of transfers) t.like(await done, { confirmed: true })
})

test('a receiver that accepts but the first of several files gets the other in a session of its own', async (t) => {
  const scene = await setScene(t, { files: [10, 20] })
  const transfers = scene.send()
  const { sid, contents } = await scene.hand.hear('session-initiate')
  const opened = scene.expect(contents[0] as JingleContent)
  await scene.accept(sid, contents.slice(0, 1))
  const { stream } = await opened
  t.deepEqual(await takeAlone(scene, 1), ['1.bin'])
  await readAll(stream)
  stream.end()
  await scene.terminate(sid, success)
  for (const { done } of transfers) t.like(await done, { confirmed: true })
})

test('a receiver that takes no more files in a session gets them in another', async (t) => {
  const scene = await setScene(t, {
    files: [10, 20],
    concurrency: 1,
    answer: ({ action }) => {
      if (action === 'content-add') throw stanzaError('feature-not-implemented')
    },
  })
  const [one, two] = scene.send() as readonly [Transfer, Transfer]
  const { sid, content, stream } = await scene.take()
  await readAll(stream)
  stream.end()
  await scene.say(sid, { action: 'session-info', info: { kind: 'received', creator: content.creator, name: content.name } })
  t.like(await one.done, { confirmed: true })
  t.deepEqual(await takeAlone(scene, 1), ['1.bin'])
  t.like(await two.done, { confirmed: true })
})

test('a receiver that goes offline in the midst fails the transfer', async (t) => {
  const { send, take, session } = await setScene(t, { files: [8 * 1024 * 1024] })
  const [transfer] = send()
  await take()
  await session.stop()
  await t.throwsAsync(transfer.done, { instanceOf: BytestreamError })
})

test('a word that does not say which file has arrived counts for none of several (XEP-0234 §8.1)', async (t) => {
  const { hand, send, say, accept, expect } = await setScene(t, { files: [10, 20] })
  const transfers = send()
  const { sid, contents } = await hand.hear('session-initiate')
  const opened = Promise.all(contents.map(expect))
  await accept(sid, contents)
  for (const { stream } of await opened) {
    await readAll(stream)
    stream.end()
  }
  const received = (named: Partial<Pick<JingleContent, 'creator' | 'name'>> = {}) =>
    say(sid, { action: 'session-info', info: { kind: 'received', ...named } })
  await t.throwsAsync(received(), { message: /bad-request/ })
  t.deepEqual(
    transfers.map(({ state }) => state),
    ['moving', 'moving'],
  )
  for (const { creator, name } of contents) await received({ creator, name })
  for (const { done } of transfers) t.like(await done, { confirmed: true })
})

test('of one file, it need not say which has arrived', async (t) => {
  const { send, say, take } = await setScene(t)
  const [transfer] = send()
  const { sid, stream } = await take()
  await readAll(stream)
  stream.end()
  await say(sid, { action: 'session-info', info: { kind: 'received' } })
  t.like(await transfer.done, { confirmed: true })
})
