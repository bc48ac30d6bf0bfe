import { type JingleTransportComponents, jingleTransport } from '../bytestreams/index.ts'
import { type BytestreamError, orAbort, toBytestreamError } from '../core/index.ts'
import type { FileContent } from './jingle/file-content.ts'
import { reasonOf } from './jingle/reasons.ts'
import { type Part, partOf, sendOver } from './jingle/send-content.ts'
import type { Joined } from './jingle/together.ts'
import type { Offering } from './offering.ts'
import type { Sent } from './transfer-facts.ts'

/**
 * Offers a file by Jingle, together with others for the same receiver, and sends it if it is accepted. The hashes are
 * computed on the way, and told behind the octets.
 *
 * @returns why it was not offered this way, when the receiver does not speak it after all
 * @see XEP-0234 §6.1
 */
export async function offerByJingle(
  components: JingleTransportComponents,
  { source, path, folder, to, init, transfer, before, sid }: Offering,
  joined: Joined,
): Promise<Sent | { readonly notSpoken: BytestreamError }> {
  const { signal } = transfer
  transfer.moveTo('negotiating')
  const { name, size, modified } = await source.glance()
  const { method, proxy, ownHosts, timings, description, hashes = ['sha-256'], mimeType: mediaType = 'application/octet-stream' } = init
  const file = {
    ...{ name, folder, size, description, mediaType, date: modified.toISOString() },
    ...{ hashes: [], hashUsed: hashes, ...(before.mayResume && { range: {} }) },
  }
  const transport = jingleTransport(components, {
    ...{ method, proxy, ownHosts, timings, signal },
    onStep: (step) => transfer.emit('step', step),
  })
  const content = { senders: 'initiator', description: { kind: 'file', file }, transport } as const
  const outcome = await orAbort(joined.offer({ to, content, sid, timings, signal }), signal)
  if ('notSpoken' in outcome) return outcome
  transfer.emit('step', { step: 'accepted' })
  const accepted = outcome.file
  // COMPAT(XEP-0234 clients): they do not know of folders. Ours repeats the one it makes.
  if (accepted.answered.folder !== folder) transfer.emit('step', { step: 'without folder', reason: `${to} keeps no folders` })
  const part = wantedOf(accepted, size)
  transfer.startFrom(part.kept, before.mayResume ? `${to} wants all of it` : `${to} had other octets`)
  return sendOver(components.clock, { file: accepted, source, path, part, hashes, transfer, onOtherOctets: () => before.refuseResume() })
}

/** The part the receiver wants, which has to be one of the file. */
function wantedOf(file: FileContent, size: number): Part {
  try {
    return partOf(size, file.answered.range)
  } catch (thrown) {
    file.fail(reasonOf(toBytestreamError(thrown)))
    file.settle()
    throw thrown
  }
}
