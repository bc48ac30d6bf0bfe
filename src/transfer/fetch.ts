import { type JingleSessions, jingleTransport, type WayInit } from '../bytestreams/index.ts'
import { BytestreamError, prepareJid, toBytestreamError } from '../core/index.ts'
import type { Hash } from '../xep/index.ts'
import { Acceptance, type OfferedFile } from './acceptance.ts'
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
import type { Transfer } from './transfer.ts'
import type { Sent } from './transfer-facts.ts'

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

/** A file as it was answered, from one attempt to fetch it to the next. */
type Known = Pick<OfferedFile, 'name' | 'size' | 'date' | 'hashes' | 'hashUsed'>

/** What is known of a file from one attempt to the next. */
export interface FetchedBefore {
  known?: Known | undefined
}

/**
 * Asks for a file, or the rest of it where its beginning is here, and receives it.
 *
 * @param before what is known from earlier attempts
 * @see XEP-0234 §6.2, §6.4
 */
export async function fetchFile(
  components: FetchComponents,
  init: FetchInit,
  { transfer, before }: { transfer: Transfer; before: FetchedBefore },
): Promise<Sent> {
  const { clock, jingle, resources } = components
  const { signal } = transfer
  const { method = 'auto', file, proxy, ownHosts, timings } = init
  checkProxyIsUsed(init)
  transfer.moveTo('negotiating')
  const { jid: peer } = await findPartner(resources, prepareJid(init.from), { negotiation: 'jingle', method, signal })
  transfer.update({ peer })
  const acceptance = new Acceptance({ clock }, { ...init, from: [peer] }, signal)
  const offset = await bytesHere(acceptance, { init, peer, before })
  const { mimeType: mediaType, hashes = [], ...known } = file
  const range = offset > 0 ? { offset } : init.range
  const description = { kind: 'file', file: { ...known, mediaType, hashes, hashUsed: [], range } } as const
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
  return await takeAnswered(components, { asked, init, acceptance, range, offset, before, transfer })
}

/** A part that is asked for is stored as a file of its own, and begins at its start. */
async function bytesHere(
  acceptance: Acceptance,
  { init: { file, range }, peer: from, before }: { init: FetchInit; peer: string; before: FetchedBefore },
): Promise<number> {
  const { name, size, hashes = [] } = file
  const known = before.known ?? (name !== undefined && size !== undefined ? { name, size, hashes } : undefined)
  if (!known || range) return 0
  return await acceptance.bytesOf({ from, mimeType: undefined, description: undefined, canResume: true, ...known })
}

/** What was asked for, and answered. */
interface Asked {
  readonly asked: FileContent
  readonly init: FetchInit
  readonly acceptance: Acceptance
  readonly range: FileRange | undefined
  /** Octets of the file that are here. */
  readonly offset: number
  readonly before: FetchedBefore
  readonly transfer: Transfer
}

/** Receives what the other side has said that it sends. */
async function takeAnswered({ clock }: FetchComponents, given: Asked): Promise<Sent> {
  const { asked, acceptance, offset, transfer } = given
  try {
    const offer = offerOf(given)
    const sink = await acceptance.accept(offer)
    transfer.update({ name: sink.name, size: offer.size })
    return await takeOver(clock, { file: asked, sink, hashUsed: offer.hashUsed, transfer }).catch((error: BytestreamError) => {
      // What was here was something else, and is gone: from the start it may be right.
      throw offset > 0 && error.code === 'ERR_INTEGRITY' ? new BytestreamError('ERR_RESET', error.message, { cause: error }) : error
    })
  } catch (thrown) {
    const error = toBytestreamError(thrown)
    asked.fail(reasonOf(error))
    asked.settle()
    throw error
  }
}

/** @throws BytestreamError `ERR_DECLINED`, `ERR_NOT_ACCEPTABLE` for something else than was asked for, `ERR_INTEGRITY` for a file that was changed */
function offerOf({ asked, init, range: given, offset: here, before }: Asked): OfferedFile & { readonly hashUsed: readonly string[] } {
  const { answered, peer: from } = asked
  const { name = init.file.name ?? 'file', size, date, mediaType: mimeType, description, hashUsed, range = given } = answered
  if (size === undefined) throw new BytestreamError('ERR_DECLINED', 'files of unknown size are not accepted')
  if (size !== (init.file.size ?? size))
    throw new BytestreamError('ERR_NOT_ACCEPTABLE', `${from} sends a file of another size than was asked for`)
  const { known } = before
  if (known && (known.size !== size || known.date !== date))
    throw new BytestreamError('ERR_INTEGRITY', `${name} changed while it was being sent`)
  const { offset, length, isWhole } = partOf(size, range)
  const wanted = partOf(size, given)
  if (offset !== wanted.offset || length !== wanted.length)
    throw new BytestreamError('ERR_NOT_ACCEPTABLE', `${from} sends another part of the file than was asked for`)
  const isAll = isWhole || here > 0
  const hashesWanted = isAll ? (init.file.hashes ?? []) : []
  const hashes = isAll ? [...hashesWanted, ...answered.hashes] : (answered.range?.hashes ?? [])
  const facts = { from, name, mimeType, description, hashes, hashUsed, hashesWanted }
  if (!isAll) return { ...facts, size: length }
  before.known = { name, size, date, hashes, hashUsed }
  return { ...facts, size, date, canResume: here > 0, offset: here }
}
