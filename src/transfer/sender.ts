import type { JingleTransportComponents, ResourceFinder } from '../bytestreams/index.ts'
import { prepareJid } from '../core/index.ts'
import { FileSource } from './file-source.ts'
import type { Together } from './jingle/together.ts'
import { checkProxyIsUsed, findPartner } from './negotiation.ts'
import { offerByJingle } from './offer-by-jingle.ts'
import { offerBySi } from './offer-by-si.ts'
import type { FileToSend, OfferedBefore, Offering, SendInit } from './offering.ts'
import type { Transfer } from './transfer.ts'
import type { NegotiationStep, Sent } from './transfer-facts.ts'

export interface SenderComponents extends JingleTransportComponents {
  readonly resources: ResourceFinder
}

/**
 * Sends one file: looks at it, finds the receiver, and offers it by the negotiation both know. An offer by Jingle that
 * nobody takes as one is made by stream initiation.
 *
 * @param together those it is sent with
 * @param before what is known from earlier attempts
 */
export async function sendFile(
  components: SenderComponents,
  { path, folder }: FileToSend,
  init: SendInit,
  { transfer, together, before }: { transfer: Transfer; together: Together; before: OfferedBefore },
): Promise<Sent> {
  using joined = together.join()
  const { signal } = transfer
  const { method = 'auto', negotiation = 'auto', proxy } = init
  const tell = (step: Omit<NegotiationStep, 'step'>) => transfer.emit('step', { step: 'negotiation', ...step })
  checkProxyIsUsed(init)
  transfer.moveTo('preparing')
  await using source = await FileSource.open(path)
  const facts = await before.glance(source)
  transfer.update({ ...facts, ...(folder !== undefined && { name: `${folder}/${facts.name}` }) })
  // The server can be asked while the receiver is looked for.
  if (proxy === undefined && (method === 'auto' || method === 'proxy')) void components.proxies.find()
  const { jid: to, ...chosen } = await findPartner(components.resources, prepareJid(init.to), { negotiation, method, signal })
  transfer.update({ peer: to })
  // A proxy that is none should be known before the receiver is asked.
  if (proxy !== undefined) await components.proxies.ask(proxy)
  const offering: Offering = { source, path, folder, to, init, transfer, before }
  tell(chosen)
  if (chosen.negotiation === 'jingle') {
    const sent = await offerByJingle(components, offering, joined)
    if (!('notSpoken' in sent)) return sent
    if (negotiation === 'jingle') throw sent.notSpoken
    tell({ negotiation: 'si', reason: sent.notSpoken.message })
  }
  joined[Symbol.dispose]()
  return await offerBySi(components, offering)
}
