import { createHash } from 'node:crypto'
import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/**
 * The opening tag of a component's stream, complete with the XML declaration.
 *
 * @param name the component's address, from either side
 * @param id the stream's id; only the server gives one
 * @see XEP-0114 §3
 */
export function componentStreamHeader(name: string, id?: string): string {
  const attributes = id === undefined ? { to: name } : { from: name, id }
  const header = xml('stream:stream', { xmlns: NS.component, 'xmlns:stream': NS.stream, ...attributes })
  return `<?xml version='1.0'?>${header.toString().replace(/\/>$/, '>')}`
}

/** `<handshake/>` with a digest from the component, empty from the server (XEP-0114 §3). */
export function buildHandshake(digest = ''): Element {
  return xml('handshake', {}, digest)
}

/** Lower-case hexadecimal SHA-1 of the stream id and the secret (XEP-0114 §3). */
export function handshakeDigest(streamId: string, secret: string): string {
  return createHash('sha1').update(streamId).update(secret).digest('hex')
}
