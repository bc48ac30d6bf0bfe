import { createHash } from 'node:crypto'
import type { DataForm } from './data-forms.ts'
import type { DiscoInfo } from './disco.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** What presence tells of an entity's disco#info (XEP-0115 §4): whose software it is, and a hash of what the answer would be. */
export interface Capabilities {
  /** A URI of the software. */
  readonly node: string
  readonly ver: string
}

/**
 * ```xml
 * <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://code.google.com/p/exodus' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>
 * ```
 * @see XEP-0115 §6.1
 */
export function buildCapabilities({ node, ver }: Capabilities): Element {
  return xml('c', { xmlns: NS.capabilities, hash: 'sha-1', node, ver })
}

/** What a presence stanza tells of it; `undefined` where it does not, or by a hash that is not the one all have to know (XEP-0115 §5.2). */
export function parseCapabilities(presence: Element): Capabilities | undefined {
  const told = presence.getChild('c', NS.capabilities)
  const [hash, node, ver] = ['hash', 'node', 'ver'].map((name) => told && attribute(told, name))
  return hash === 'sha-1' && node && ver ? { node, ver } : undefined
}

/**
 * The verification string of an answer without languages: ours have none. SHA-1 is the one hash that all have to know, and
 * nothing is trusted because of it.
 *
 * @see XEP-0115 §5.1, §5.4
 */
export function capabilitiesVersion({ identities, features, forms = [] }: DiscoInfo): string {
  const hashed = [
    ...identities.map(({ category, type, name = '' }) => `${category}/${type}//${name}`).sort(byOctets),
    ...[...features].sort(byOctets),
    ...sortedBy(forms, ({ formType = '' }) => formType).flatMap(formTexts),
  ]
  return createHash('sha1')
    .update(hashed.map((text) => `${text}<`).join(''))
    .digest('base64')
}

function formTexts({ formType = '', fields }: DataForm): string[] {
  return [formType, ...sortedBy(fields, (field) => field.var).flatMap((field) => [field.var, ...[...field.values].sort(byOctets)])]
}

function sortedBy<T>(entries: readonly T[], text: (entry: T) => string): T[] {
  return [...entries].sort((one, other) => byOctets(text(one), text(other)))
}

/** i;octet (RFC 4790 §9.3). */
function byOctets(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
