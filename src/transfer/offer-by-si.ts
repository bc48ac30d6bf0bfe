import { randomUUID } from 'node:crypto'
import { finished } from 'node:stream/promises'
import { type Bytestream, type InitiatorComponents, initiateStream } from '../bytestreams/index.ts'
import { BytestreamError, orAbort, StanzaError, startDeadline } from '../core/index.ts'
import { buildSiFile, NS, parseSiRange } from '../xep/index.ts'
import { overBytestream, RECEIVER_CHECK_MS_MAX, sendContent } from './content.ts'
import { ContentHasher, type HashAlgorithm } from './hashes.ts'
import { hashed, partOf } from './jingle/send-content.ts'
import type { Offering } from './offering.ts'
import type { Sent } from './transfer-facts.ts'

/**
 * Offers a file by stream initiation, which wants its hash beforehand, and sends it if it is accepted.
 *
 * @see XEP-0095 §3, XEP-0096 §3
 */
export async function offerBySi(
  components: InitiatorComponents,
  { source, path, folder, to, init, transfer, before, sid = randomUUID() }: Offering,
): Promise<Sent> {
  const { signal } = transfer
  const { hashes = ['sha-256'], mimeType = 'application/octet-stream', description } = init
  const { name, size, modified, digests } = await before.inspect(source, ['md5', 'sha-256', ...hashes], signal)
  const digestOf = (algo: HashAlgorithm) => digests.get(algo) as Buffer
  transfer.update({ size })
  if (transfer.state !== 'negotiating') transfer.moveTo('negotiating')
  const payload = buildSiFile({
    name,
    size,
    md5: digestOf('md5').toString('hex'),
    hashes: hashes.map((algo) => ({ algo, value: digestOf(algo) })),
    date: modified.toISOString().replace(/\.\d+Z$/, 'Z'),
    description,
    range: {},
  })
  let part = partOf(size)
  const bytestream = await initiateStream(components, {
    ...init,
    ...{ to, sid, profile: NS.siFileTransfer, payload, mimeType, signal },
    onStep: (step) => transfer.emit('step', step),
    onAnswer: (answer) => {
      part = partOf(size, answer && parseSiRange(answer))
    },
  })
  if (folder !== undefined) transfer.emit('step', { step: 'without folder', reason: 'stream initiation tells of no folders' })
  const { offset, length, kept, isWhole } = part
  const wanted = kept + length
  transfer.update({ size: wanted })
  transfer.startFrom(kept, `${to} wants all of it`)
  return overBytestream(transfer, { bytestream, negotiation: 'si' }, async () => {
    const hasher = await ContentHasher.begin(isWhole || kept > 0 ? [] : ['sha-256'])
    const content = source.read(signal, { offset, ...(!isWhole && kept === 0 && { length }) })
    const sent = await sendContent(bytestream, hashed(content, [hasher]), transfer)
    if (sent !== wanted)
      throw new BytestreamError('ERR_INTEGRITY', `${name} changed while it was being sent: it had ${wanted} octets, and ${sent} were read`)
    const sha256 = hasher.digest().get('sha-256') ?? digestOf('sha-256')
    return {
      ...{ path, size: wanted, sha256: sha256.toString('hex') },
      method: bytestream.method,
      confirmed: await finish(components, bytestream),
    }
  })
}

/**
 * Half-closes, and waits for the receiver to do the same: it closes properly once it has checked what it got, and
 * breaks the connection if that was wrong. Its end alone says nothing: it may come before ours, from one that has
 * broken off.
 *
 * @returns `false` when it just stays, which in band it may not: a close has to be answered (XEP-0047 §2.3)
 */
async function finish({ clock }: InitiatorComponents, { stream, peer, method }: Bytestream): Promise<boolean> {
  const message = `${peer} has taken the last octet, and has not closed`
  using deadline = startDeadline(clock, RECEIVER_CHECK_MS_MAX, 'ERR_TIMEOUT', message)
  stream.end()
  stream.resume()
  try {
    await orAbort(finished(stream), deadline.signal)
    return true
  } catch (thrown) {
    if (deadline.signal.aborted && method !== 'ibb') {
      stream.destroy()
      return false
    }
    // The session or the receiver is gone, or the receiver silent.
    if (thrown instanceof BytestreamError && !(thrown.cause instanceof StanzaError)) throw thrown
    throw new BytestreamError(
      'ERR_RESET',
      `${peer} broke the connection after the last octet: it could not store the file, or its content was wrong`,
      { cause: thrown },
    )
  }
}
