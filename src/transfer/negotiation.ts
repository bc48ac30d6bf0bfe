import type { MethodChoice, ResourceFinder, WayInit } from '../bytestreams/index.ts'
import { BytestreamError } from '../core/index.ts'
import { NS } from '../xep/index.ts'
import type { Negotiation, NegotiationStep } from './transfer-facts.ts'

/** Which negotiation to use: that one, or what the receiver can. */
export type NegotiationChoice = 'auto' | Negotiation

const jingleOver = (transport: string) => [NS.jingle, NS.jingleFileTransfer, transport]

/** Sets of features a receiver has to show, one of them (XEP-0234 §11, XEP-0260 §6, XEP-0261 §5). */
const jingleFeatures = {
  auto: [jingleOver(NS.jingleSocks5), jingleOver(NS.jingleInBand)],
  direct: [jingleOver(NS.jingleSocks5)],
  proxy: [jingleOver(NS.jingleSocks5)],
  ibb: [jingleOver(NS.jingleInBand)],
} as const satisfies Record<MethodChoice, readonly (readonly string[])[]>

/** The same (XEP-0095 §3.1, XEP-0096, XEP-0065 §3, XEP-0047). */
const siFeatures = {
  auto: [[NS.si, NS.siFileTransfer]], // XEP-0096 §4: it takes both.
  direct: [[NS.si, NS.siFileTransfer, NS.bytestreams]],
  proxy: [[NS.si, NS.siFileTransfer, NS.bytestreams]],
  ibb: [[NS.si, NS.siFileTransfer, NS.inBand]],
} as const satisfies Record<MethodChoice, readonly (readonly string[])[]>

/**
 * Whoever names a proxy wants its own addresses kept back, or relies on that proxy: it is not passed over in silence.
 *
 * @throws BytestreamError `ERR_CONFIG` for a proxy beside a method that uses none
 */
export function checkProxyIsUsed({ method = 'auto', proxy }: Pick<WayInit, 'method' | 'proxy'>): void {
  if (proxy === undefined || method === 'auto' || method === 'proxy') return
  throw new BytestreamError('ERR_CONFIG', `the method ${method} uses no proxy: name none, or take the method proxy or auto`)
}

/** What is looked for in whoever is to send or receive a file. */
interface Wanted {
  readonly negotiation: NegotiationChoice
  readonly method: MethodChoice
  readonly signal: AbortSignal
}

/**
 * Finds out to whom to speak, and how: Jingle with those who show it, else stream initiation (XEP-0234 §10.3).
 *
 * @param jid prepared
 * @throws BytestreamError as {@link ResourceFinder.find}
 */
export async function findPartner(
  resources: ResourceFinder,
  jid: string,
  { negotiation, method, signal }: Wanted,
): Promise<Omit<NegotiationStep, 'step'> & { readonly jid: string }> {
  const sets = { jingle: jingleFeatures[method], si: siFeatures[method] }
  const anyOf = negotiation === 'auto' ? [...sets.jingle, ...sets.si] : sets[negotiation]
  const found = await resources.find(jid, { anyOf, signal })
  if (negotiation !== 'auto') return { jid: found.jid, negotiation }
  const shown = found.features ?? (await resources.ask(found.jid, signal))
  const isSpoken = sets.jingle.some((set) => set.every((feature) => shown.includes(feature)))
  if (isSpoken) return { jid: found.jid, negotiation: 'jingle' }
  return { jid: found.jid, negotiation: 'si', reason: 'it shows no file transfer by Jingle' }
}
