import { defaultTimings, type StreamTargets, type WayInit } from '../../bytestreams/index.ts'
import { abortError, BytestreamError, parseJid, prepareJid, StanzaError, startDeadline } from '../../core/index.ts'
import { NS, type PublishedProtocol } from '../../xep/index.ts'
import { Acceptance } from '../acceptance.ts'
import type { FileRules } from '../file-rules.ts'
import { checkProxyIsUsed } from '../negotiation.ts'
import type { RetryInit } from '../retry.ts'
import type { SenderComponents } from '../sender.ts'
import type { Transfer } from '../transfer.ts'
import type { Sent } from '../transfer-facts.ts'
import { type AnnouncedFile, Obtaining } from './obtaining.ts'
import type { PendingStarts } from './pending-starts.ts'

/** Which published file to ask for, and of whom. */
export interface ObtainInit extends FileRules, WayInit {
  /** Its owner: full, or bare, which becomes the resource that shows that it publishes. */
  readonly from: string
  /** What it was published with. */
  readonly id: string
  /** The folder it is stored in; made if it is not there. */
  readonly into: string
  /** What it is stored as; else it has its announced name, or the one its owner sends it with. */
  readonly as?: string | undefined
  /** What was announced of it. */
  readonly file?: AnnouncedFile | undefined
  /** By which negotiation it is to come. Default `auto`: by Jingle, or by stream initiation where the owner does not know of that. */
  readonly protocol?: 'auto' | PublishedProtocol | undefined
  /** How long it is asked for again, when it was interrupted after it had been granted. */
  readonly retry?: RetryInit | undefined
  /** Higher ones have their turn first; among equal ones, accounts take turns. Default 0. */
  readonly priority?: number | undefined
}

export interface ObtainComponents extends SenderComponents {
  readonly targets: StreamTargets
  readonly starts: PendingStarts
}

/** Milliseconds an owner has to begin a session once it has said that it does: enough to read a file of many gigabytes for its hash. */
const BEGIN_MS_MAX = 120_000

/**
 * Asks the owner of a published file to send it, and takes it, or the rest of it where its beginning is here.
 *
 * @throws BytestreamError `ERR_NOT_ACCEPTABLE` where nothing is published by that id, `ERR_FORBIDDEN`, `ERR_LIMIT_WAITING`, with what
 *   the owner said as the cause
 * @see XEP-0358 §2.2, XEP-0137 §3.3
 */
export async function obtainFile(components: ObtainComponents, init: ObtainInit, transfer: Transfer): Promise<Sent> {
  const { clock, targets, starts } = components
  const { signal } = transfer
  const { method, proxy, ownHosts, timings, as: storeAs, file: announced = {} } = init
  checkProxyIsUsed(init)
  transfer.moveTo('negotiating')
  const { peer, protocols } = await findOwner(components, init, signal)
  transfer.update({ peer })
  const acceptance = new Acceptance({ clock }, { ...init, from: [peer], storeAs, isFlat: true }, signal)
  const taker = new Obtaining({ clock, targets, acceptance, announced, way: { method, proxy, ownHosts, timings, signal }, transfer })
  const { answerMsMax } = { ...defaultTimings, ...timings } // The owner may have to ask its user.
  const ask = (protocol: PublishedProtocol) => starts.ask({ peer, protocol, id: init.id, taker, answerMsMax, signal })
  const [protocol, asked] = await askFirst(protocols, ask).catch((thrown: unknown) => {
    throw refused(thrown, peer)
  })
  using _asked = asked
  transfer.emit('step', { step: 'negotiation', negotiation: protocol })
  transfer.emit('step', { step: 'accepted' })
  const late = `${peer} has not begun to send the file within ${BEGIN_MS_MAX / 1000} s`
  using deadline = startDeadline(clock, BEGIN_MS_MAX, 'ERR_TIMEOUT', late, signal)
  const onAbort = () => taker.fail(abortError(deadline.signal))
  deadline.signal.addEventListener('abort', onAbort)
  if (deadline.signal.aborted) onAbort()
  return await taker.received
}

/** @returns whom to ask, and by which protocols, the better one first */
async function findOwner(
  { resources }: SenderComponents,
  { from, protocol = 'auto' }: ObtainInit,
  signal: AbortSignal,
): Promise<{ readonly peer: string; readonly protocols: readonly PublishedProtocol[] }> {
  const protocols: readonly PublishedProtocol[] = protocol === 'auto' ? ['jingle', 'si'] : [protocol]
  const jid = prepareJid(from)
  // XEP-0358 §2.3: a link may lead to something without accounts.
  if (parseJid(jid).local === '') return { peer: jid, protocols }
  const { jid: peer, features } = await resources.find(jid, { anyOf: protocols.map((each) => [shown[each]]), signal })
  return { peer, protocols: features ? protocols.filter((each) => features.includes(shown[each])) : protocols }
}

const shown = { jingle: NS.jinglePub, si: NS.siPub } as const satisfies Record<PublishedProtocol, string>

/** Conditions of an answer by which somebody does not know a protocol. */
const UNKNOWN: readonly string[] = ['feature-not-implemented', 'service-unavailable']

async function askFirst<T>(
  [first, ...others]: readonly PublishedProtocol[],
  ask: (protocol: PublishedProtocol) => Promise<T>,
): Promise<readonly [PublishedProtocol, T]> {
  const protocol = first ?? 'jingle'
  try {
    return [protocol, await ask(protocol)]
  } catch (thrown) {
    if (others.length > 0 && thrown instanceof StanzaError && UNKNOWN.includes(thrown.condition)) return await askFirst(others, ask)
    throw thrown
  }
}

/** What an owner refuses with (XEP-0358 §2.2), as an error of ours that keeps its words; any other is thrown as it is. */
const refusals: Readonly<Record<string, readonly ['ERR_NOT_ACCEPTABLE' | 'ERR_FORBIDDEN' | 'ERR_LIMIT_WAITING', string]>> = {
  'not-acceptable': ['ERR_NOT_ACCEPTABLE', 'does not offer it'],
  forbidden: ['ERR_FORBIDDEN', 'does not let us have it'],
  'resource-constraint': ['ERR_LIMIT_WAITING', 'cannot send it now'],
}

function refused(thrown: unknown, peer: string): unknown {
  const [code, sentence] = (thrown instanceof StanzaError && refusals[thrown.condition]) || []
  if (!(thrown instanceof StanzaError) || !code) return thrown
  return new BytestreamError(code, `${peer} ${sentence}${thrown.text && `: ${thrown.text}`}`, { cause: thrown, from: peer })
}
