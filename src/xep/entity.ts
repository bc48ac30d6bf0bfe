import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** @see XEP-0199 §4 */
export function buildPing(): Element {
  return xml('ping', { xmlns: NS.ping })
}

/** The software behind an address; `os` is the admin's to reveal (XEP-0092 §4). */
export interface SoftwareVersion {
  readonly name: string
  readonly version: string
  readonly os?: string | undefined
}

/** @see XEP-0092 §3 */
export function buildVersion({ name, version, os }: SoftwareVersion): Element {
  return xml('query', { xmlns: NS.version }, xml('name', {}, name), xml('version', {}, version), os ? xml('os', {}, os) : undefined)
}

/** Seconds since a service started, for a domain (XEP-0012 §5). */
export function buildLastActivity(seconds: number): Element {
  return xml('query', { xmlns: NS.activity, seconds: Math.max(0, Math.floor(seconds)) })
}

/** The time of this entity, in UTC and as its offset (XEP-0202 §2). */
export function buildTime(now: Date): Element {
  const minutes = -now.getTimezoneOffset()
  const two = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, '0')
  const tzo = minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`
  return xml('time', { xmlns: NS.time }, xml('tzo', {}, tzo), xml('utc', {}, now.toISOString().replace(/\.\d+Z$/, 'Z')))
}
