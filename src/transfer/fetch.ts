import { type JingleSessions, jingleTransport, type WayInit } from '../bytestreams/index.ts'
import { BytestreamError, prepareJid, toBytestreamError } from '../core/index.ts'
import type { Hash } from '../xep/index.ts'
import { Acceptance } from './acceptance.ts'
import type { FileRules } from './file-rules.ts'
import type { FileContent } from './jingle/file-content.ts'
import { FileSession } from './jingle/file-session.ts'
import { reasonOf } from './jingle/reasons.ts'
import { partOf } from './jingle/send-content.ts'
import { takeOver } from './jingle/take-content.ts'
import { checkProxyIsUsed, findPartner } from './negotiation.ts'
import type { RetryInit } from './retry.ts'
import type { SenderComponents } from './sender.ts'
import type { FileRange } from './sharing.ts'
import type { Sent, Transfer } from './transfer.ts'

/** Which file to ask for, and of whom. */
export interface FetchInit extends FileRules, WayInit {
  /** Who shares it: full, or bare, which becomes the resource that takes part. */
  readonly from: string
  /** The folder it is stored in; made if it is not there. */
  readonly into: string
  /** What the other side knows the file by: one of these at least, and what is given has to be right. */
  readonly file: {
    readonly name?: string
    /** Octets. */
    readonly size?: number
    readonly mimeType?: string
    readonly hashes?: readonly Hash[]
  }
  /** A part of it, which is stored as a file of its own. */
  readonly range?: FileRange
  /** How long it is asked for again, when it was interrupted after it had been granted. */
  readonly retry?: RetryInit
  /** Higher ones have their turn first; among equal ones, accounts take turns. Default 0. */
  readonly priority?: number | undefined
}

export interface FetchComponents extends SenderComponents {
  readonly jingle: JingleSessions
}

/**
 * Asks for a file, and receives it.
 *
 * @see XEP-0234 §6.2
 */
export async function fetchFile(components: FetchComponents, init: FetchInit, transfer: Transfer): Promise<Sent> {
  const { clock, jingle, resources } = components
  const { signal } = transfer
  const { method = 'auto', file, proxy, ownHosts, timings } = init
  checkProxyIsUsed(init)
  transfer.moveTo('negotiating')
  const { jid: peer } = await findPartner(resources, prepareJid(init.from), { negotiation: 'jingle', method, signal })
  transfer.update({ peer })
  const { mimeType: mediaType, hashes = [], ...known } = file
  const description = { kind: 'file', file: { ...known, mediaType, hashes, hashUsed: [], range: init.range } } as const
  const transport = jingleTransport(components, {
    ...{ method, proxy, ownHosts, timings, signal },
    onStep: (step) => transfer.emit('step', step),
  })
  const contents = [{ senders: 'responder', description, transport }] as const
  const session = await jingle.begin({ peer, contents, timings })
  const [content] = session.contents
  if (!content) throw new BytestreamError('ERR_DECLINED', `${peer} does not send the file`)
  const asked = new FileSession(clock, session).follow(content)
  const onAbort = () => asked.fail({ condition: 'cancel' })
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) onAbort()
    await asked.accepted()
    transfer.emit('step', { step: 'accepted' })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  return await takeAnswered(components, { asked, init, transfer })
}

/** Receives what the other side has said that it sends. */
async function takeAnswered(
  { clock }: FetchComponents,
  { asked, init, transfer }: { asked: FileContent; init: FetchInit; transfer: Transfer },
): Promise<Sent> {
  const { answered, peer } = asked
  try {
    const { name = init.file.name ?? 'file', size, mediaType: mimeType, description, hashUsed, range = init.range } = answered
    if (size === undefined) throw new BytestreamError('ERR_DECLINED', 'files of unknown size are not accepted')
    if (size !== (init.file.size ?? size))
      throw new BytestreamError('ERR_NOT_ACCEPTABLE', `${peer} sends a file of another size than was asked for`)
    const { offset, length, isWhole } = partOf(size, range)
    const wanted = partOf(size, init.range)
    if (offset !== wanted.offset || length !== wanted.length)
      throw new BytestreamError('ERR_NOT_ACCEPTABLE', `${peer} sends another part of the file than was asked for`)
    const hashesWanted = isWhole ? (init.file.hashes ?? []) : []
    const hashes = isWhole ? [...hashesWanted, ...answered.hashes] : (answered.range?.hashes ?? [])
    const acceptance = new Acceptance({ clock }, { ...init, from: [peer] }, transfer.signal)
    const sink = await acceptance.accept({ from: peer, name, size: length, mimeType, description, hashes, hashUsed, hashesWanted })
    transfer.update({ name: sink.name, size: length })
    transfer.startFrom(0, 'it is asked for from its start')
    return await takeOver(clock, { file: asked, sink, hashUsed, transfer })
  } catch (thrown) {
    asked.fail(reasonOf(toBytestreamError(thrown)))
    asked.settle()
    throw thrown
  }
}
