import type { MethodChoice, RequesterComponents, ResourceFinder } from '../bytestreams/index.ts'
import { prepareJid } from '../core/index.ts'
import { NS } from '../xep/index.ts'
import { FileSource } from './file-source.ts'
import { offerBySi } from './offer-by-si.ts'
import type { SendInit } from './offering.ts'
import type { Sent, Transfer } from './transfer.ts'

/** What a receiver has to show in service discovery (XEP-0095 §3.1, XEP-0096, XEP-0065 §3, XEP-0047). */
const receiverFeatures = {
  auto: [NS.si, NS.siFileTransfer], // XEP-0096 §4: it takes both.
  direct: [NS.si, NS.siFileTransfer, NS.bytestreams],
  proxy: [NS.si, NS.siFileTransfer, NS.bytestreams],
  ibb: [NS.si, NS.siFileTransfer, NS.inBand],
} as const satisfies Record<MethodChoice, readonly string[]>

export interface SenderComponents extends RequesterComponents {
  readonly resources: ResourceFinder
}

/** Sends one file: looks at it, finds the receiver, and offers it. */
export async function sendFile(components: SenderComponents, path: string, init: SendInit, transfer: Transfer): Promise<Sent> {
  const { signal } = transfer
  transfer.moveTo('preparing')
  await using source = await FileSource.open(path)
  transfer.update(await source.glance())
  const { method = 'auto', proxy } = init
  const { jid: to } = await components.resources.find(prepareJid(init.to), { anyOf: [receiverFeatures[method]], signal })
  transfer.update({ peer: to })
  // A proxy that is none should be known before the receiver is asked.
  if (proxy !== undefined && method !== 'ibb') await components.proxies.ask(proxy)
  return await offerBySi(components, { source, path, to, init, transfer })
}
