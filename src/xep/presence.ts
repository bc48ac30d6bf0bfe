import { buildCapabilities, type Capabilities } from './capabilities.ts'
import { attribute, type Element, xml } from './element.ts'

/** RFC 6121 §4.7.1; `available` is the absence of a type. */
export type PresenceType = 'available' | 'unavailable' | 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed' | 'probe' | 'error'

const TYPES: readonly string[] = [
  'unavailable',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'probe',
  'error',
] satisfies PresenceType[]

/** A presence stanza, as far as this project looks at it (RFC 6121 §4). */
export interface Presence {
  readonly type: PresenceType
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** -128 to 127 (RFC 6121 §4.7.2.3); 0 where none is given. */
  readonly priority?: number
}

export function buildPresence({ type, from, to, priority }: Presence, capabilities?: Capabilities): Element {
  return xml(
    'presence',
    { from, to, type: type === 'available' ? undefined : type },
    priority ? xml('priority', {}, String(priority)) : undefined,
    capabilities && buildCapabilities(capabilities),
  )
}

/** @returns `undefined` for a type RFC 6121 does not know */
export function parsePresence(stanza: Element): (Presence & { readonly priority: number }) | undefined {
  const type = attribute(stanza, 'type') ?? 'available'
  if (type !== 'available' && !TYPES.includes(type)) return undefined
  const priority = Number.parseInt(stanza.getChildText('priority') ?? '', 10)
  return {
    type: type as PresenceType,
    from: attribute(stanza, 'from'),
    to: attribute(stanza, 'to'),
    priority: priority >= -128 && priority <= 127 ? priority : 0,
  }
}
