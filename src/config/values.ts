import * as z from 'zod'
import { BytestreamError, bareJid, domainOf, parseBytes, parseDuration, prepareJid } from '../core/index.ts'

/** An address to listen on, or to advertise. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

const PORT_MAX = 65_535

/** `HOST:PORT`, `[IPv6]:PORT`; the port may be left out where `portDefault` is given. */
function parseHostPort(text: string, portDefault?: number): HostPort | undefined {
  const [, literal, name, digits] = /^(?:\[([0-9a-f:.%]+)\]|([^\s:[\]/]+|\*))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const host = literal ?? name
  const port = digits === undefined ? portDefault : Number(digits)
  return host === undefined || port === undefined || port > PORT_MAX ? undefined : { host, port }
}

/** A zod type out of a parser that returns `undefined`, or throws, for what it does not understand. */
function parsed<T>(parse: (text: string) => T | undefined, expected: string) {
  return z.string({ error: `expected ${expected}` }).transform((text, context) => {
    let detail = ''
    try {
      const value = parse(text)
      if (value !== undefined) return value
    } catch (error) {
      if (error instanceof BytestreamError && error.code === 'ERR_JID_MALFORMED') detail = ` (${error.message})`
    }
    context.addIssue({ code: 'custom', message: `expected ${expected}${detail}` })
    return z.NEVER
  })
}

export const text = z.string({ error: 'expected a text' }).min(1, 'expected a text that is not empty')
export const flag = z.union([z.boolean(), z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1')], {
  error: 'expected true or false',
})
export const jid = parsed(prepareJid, 'a JID, such as desk@example.org')
/** The address of an account, or of one of its devices. */
export const account = parsed(
  (value) => (bareJid(prepareJid(value)).includes('@') ? prepareJid(value) : undefined),
  'the JID of an account, such as laptop@example.org',
)

/** The address of a server or a component: no account, no resource. */
export const domain = parsed(
  (value) => (domainOf(prepareJid(value)) === prepareJid(value) ? prepareJid(value) : undefined),
  'a domain, such as proxy.example.org',
)

const BYTES_MIN = 65_536
export const bytes = parsed(
  (value) => (parseBytes(value) >= BYTES_MIN ? parseBytes(value) : undefined),
  'a size with its unit from 64KiB on, such as 64MiB',
)

/** Stanzas of more than 256 KiB are not read, and servers have bounds of their own. */
const PAYLOAD_BYTES_MAX = 196_608
/** Octets of a payload of publish-subscribe. */
export const payload = parsed((value) => {
  const octets = parseBytes(value)
  return octets >= 1 && octets <= PAYLOAD_BYTES_MAX ? octets : undefined
}, 'a size with its unit up to 192KiB, such as 64KiB')

/** Octets of files, of which a few may be too many. */
export const size = parsed((value) => (parseBytes(value) >= 1 ? parseBytes(value) : undefined), 'a size with its unit, such as 100MiB')

/** A media type, or all of a kind. */
export const mediaType = parsed(
  (value) => (/^[\w!#$&^.+-]+\/(\*|[\w!#$&^.+-]+)$/.test(value) || value === '*/*' ? value : undefined),
  'a media type, such as image/png or image/*',
)

const RATE_MIN = 1_024
/** Octets a second. */
export const rate = parsed(
  (value) => (parseBytes(value) >= RATE_MIN ? parseBytes(value) : undefined),
  'a size with its unit from 1KiB on, for each second, such as 10MiB',
)

/** What a timer can count. */
const DURATION_MS_MAX = 24 * 86_400_000
export const duration = parsed((value) => {
  const ms = parseDuration(value)
  return ms >= 1 && ms <= DURATION_MS_MAX ? ms : undefined
}, 'a time with its unit (ms, s, m, h, d), up to 24d, such as 30s')

/** The same, or none at all. A file may give 0 as a number. */
export const durationOrNone = z.preprocess(
  (value) => (value === 0 ? '0' : value),
  parsed((value) => {
    const ms = value === '0' ? 0 : parseDuration(value)
    return ms <= DURATION_MS_MAX ? ms : undefined
  }, 'a time with its unit (ms, s, m, h, d), up to 24d, such as 10m, or 0'),
)
export const listenAddress = parsed((value) => parseHostPort(value), 'HOST:PORT, such as 0.0.0.0:7777, [::]:7777 or *:7777')

/** Where to answer HTTP: on loopback, unless a host is named. A file may give the port as a number. */
export const httpAddress = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  parsed(
    (value) => parseHostPort(/^:?\d+$/.test(value) ? `127.0.0.1:${value.replace(':', '')}` : value),
    'HOST:PORT, :PORT or PORT, such as 127.0.0.1:9477',
  ),
)

/** The port of an address to advertise is that of the first one listened on, unless it is said: 0 stands for that. */
export const advertisedAddress = parsed((value) => parseHostPort(value, 0), 'HOST or HOST:PORT, such as proxy.example.org:7777')

/** A whole number from 1 on; strings come from flags and the environment. */
export const count = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^\d{1,10}$/)
        .transform(Number),
    ],
    { error: 'expected a whole number from 1 on' },
  )
  .refine((value) => Number.isSafeInteger(value) && value > 0, 'expected a whole number from 1 on')

/** A whole number, below 0 as well. */
export const whole = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^-?\d{1,9}$/)
        .transform(Number),
    ],
    { error: 'expected a whole number' },
  )
  .refine((value) => Number.isSafeInteger(value), 'expected a whole number')

/** `xmpp://HOST:PORT` for clients; `xmpps://` for TLS from the first octet (XEP-0368). */
export const clientService = parsed((value) => {
  const [, scheme, address = ''] = /^(xmpps?):\/\/(.+)$/.exec(value) ?? []
  const at = parseHostPort(address, scheme === 'xmpps' ? 5223 : 5222)
  return scheme && at && `${scheme}://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`
}, 'xmpp://HOST:PORT, such as xmpp://chat.example.org:5222')

/** `xmpp://HOST:PORT` of a server's port for components. */
export const componentService = parsed((value) => {
  const [, address = ''] = /^xmpp:\/\/(.+)$/.exec(value) ?? []
  const at = parseHostPort(address, 5347)
  return at && at.port > 0 ? at : undefined
}, 'xmpp://HOST:PORT, such as xmpp://127.0.0.1:5347')

/** @param min how many there have to be, where they are given at all */
export const list = <T extends z.ZodType>(item: T, min: 0 | 1 = 1) =>
  z.union([z.array(item).min(min, 'expected at least one'), item.transform((value) => [value])])
