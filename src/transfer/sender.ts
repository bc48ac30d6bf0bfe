import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import {
  type Bytestream,
  initiateStream,
  type MethodChoice,
  type RequesterComponents,
  type ResourceFinder,
  type Timings,
} from '../bytestreams/index.ts'
import { abortError, BytestreamError, orAbort, prepareJid, StanzaError, startDeadline } from '../core/index.ts'
import { buildSiFile, NS } from '../xep/index.ts'
import { FileSource } from './file-source.ts'
import type { Transfer, TransferResult } from './transfer.ts'

/** What a receiver has to show in service discovery (XEP-0095 §3.1, XEP-0096, XEP-0065 §3, XEP-0047). */
const receiverFeatures = {
  auto: [NS.si, NS.siFileTransfer], // XEP-0096 §4: it takes both.
  direct: [NS.si, NS.siFileTransfer, NS.bytestreams],
  proxy: [NS.si, NS.siFileTransfer, NS.bytestreams],
  ibb: [NS.si, NS.siFileTransfer, NS.inBand],
} as const satisfies Record<MethodChoice, readonly string[]>

/** Milliseconds the last octets may take to arrive and to be checked: buffers on the way hold megabytes. */
const CLOSE_MS_MAX = 300_000

export interface SendInit {
  /** Full or bare; a bare one becomes the resource that can receive files. */
  readonly to: string
  readonly description?: string
  /** Default `auto`: direct or through a proxy, whichever works, and in band where neither does. */
  readonly method?: MethodChoice
  /** Only this proxy, instead of those of the account's server. */
  readonly proxy?: string | undefined
  /** Addresses to offer for a direct connection; those of this machine where it is left out. */
  readonly ownHosts?: readonly string[]
  readonly timings?: Partial<Timings>
  readonly signal?: AbortSignal | undefined
}

export interface SenderComponents extends RequesterComponents {
  readonly resources: ResourceFinder
}

/**
 * Sends one file: looks at it, finds the receiver, offers, opens the bytestream, and moves the octets.
 *
 * @see XEP-0095 §3, XEP-0096 §3
 */
export async function sendFile(
  components: SenderComponents,
  path: string,
  init: SendInit,
  transfer: Transfer,
): Promise<Omit<TransferResult, 'durationMs'>> {
  const { resources } = components
  const { signal } = transfer
  transfer.moveTo('preparing')
  await using source = await FileSource.open(path)
  transfer.update(await source.glance())
  const { name, size, modified, sha256, md5 } = await source.inspect(signal)
  transfer.update({ size })

  transfer.moveTo('negotiating')
  const { method = 'auto', proxy, description } = init
  const to = await resources.find(prepareJid(init.to), { features: receiverFeatures[method], signal })
  transfer.update({ peer: to })
  // A proxy that is none should be known before the receiver is asked.
  if (proxy !== undefined && method !== 'ibb') await components.proxies.ask(proxy)
  const payload = buildSiFile({
    name,
    size,
    md5,
    hashes: [{ algo: 'sha-256', value: Buffer.from(sha256, 'hex') }],
    date: modified.toISOString().replace(/\.\d+Z$/, 'Z'),
    description,
  })
  const bytestream = await initiateStream(components, {
    ...init,
    ...{ to, sid: randomUUID(), profile: NS.siFileTransfer, payload, mimeType: 'application/octet-stream', signal },
    onStep: (step) => transfer.emit('step', step),
  })

  transfer.emit('opened', bytestream)
  transfer.moveTo('moving')
  const onAbort = () => bytestream.reset()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const sent = await sendContent(bytestream, source, transfer)
    if (sent !== size)
      throw new BytestreamError('ERR_INTEGRITY', `${name} changed while it was being sent: it had ${size} octets, and ${sent} were read`)
    return { path, size, sha256, method: bytestream.method, confirmed: await finish(components, bytestream) }
  } catch (thrown) {
    bytestream.reset()
    if (signal.aborted) throw abortError(signal)
    if (thrown instanceof BytestreamError) throw thrown
    throw new BytestreamError(
      'ERR_RESET',
      `the connection broke after ${transfer.bytes} of ${size} octets: the receiver or the ${{ direct: 'network', proxy: 'proxy', ibb: 'server' }[bytestream.method]} ended it`,
      { cause: thrown },
    )
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Reads one buffer while the other is being written; in band, where little is on its way at once, by the block. */
async function sendContent({ stream, blockSize }: Bytestream, source: FileSource, transfer: Transfer): Promise<number> {
  let bytes = 0
  let pending: Promise<void> = Promise.resolve()
  const writeAll = async (octets: Buffer, total: number) => {
    const pieceBytes = blockSize ?? octets.length
    for (let start = 0; start < octets.length; start += pieceBytes) {
      await write(stream, octets.subarray(start, start + pieceBytes))
      transfer.update({ bytes: Math.min(total, total - octets.length + start + pieceBytes) })
    }
  }
  for await (const octets of source.read(transfer.signal)) {
    await pending
    bytes += octets.length
    if (bytes > transfer.size) return bytes
    pending = writeAll(octets, bytes)
    pending.catch(() => {}) // Awaited in the next turn.
  }
  await pending
  return bytes
}

function write(stream: Duplex, octets: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(octets, (error) => (error ? reject(error) : resolve()))
  })
}

/**
 * Half-closes, and waits for the receiver to do the same: it closes properly once it has checked what it got, and
 * breaks the connection if that was wrong. Its end alone says nothing: it may come before ours, from one that has
 * broken off.
 *
 * @returns `false` when it just stays, which in band it may not: a close has to be answered (XEP-0047 §2.3)
 */
async function finish({ clock }: SenderComponents, { stream, peer, method }: Bytestream): Promise<boolean> {
  using deadline = startDeadline(clock, CLOSE_MS_MAX, 'ERR_TIMEOUT', `${peer} has taken the last octet, and has not closed`)
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
