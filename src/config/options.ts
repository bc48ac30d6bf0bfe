import * as z from 'zod'
import { defaultTimings } from '../bytestreams/index.ts'
import { formatBytes } from '../core/index.ts'
import { defaultLimits } from '../streamhost/index.ts'
import { ABSENT_MS_MAX, defaultRetry, offerableAlgorithms, receiveLimits } from '../transfer/index.ts'
import type { Options } from './load.ts'
import * as value from './values.ts'

const limits = defaultLimits()

const amount = (name: 'openSocketsMax' | 'halfOpenMax' | 'waitingMax' | 'openPerSourceMax' | 'halfOpenPerSourceMax', what: string) => ({
  type: value.count.default(limits[name]),
  placeholder: 'N',
  description: `${what} (default ${limits[name]})`,
})

const time = (ms: number, what: string) => ({
  type: value.duration.default(ms),
  placeholder: 'TIME',
  description: `${what} (default ${inSetting(ms)})`,
})

/** A time as one would write it into a setting. */
function inSetting(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  return ms % 60_000 === 0 ? `${ms / 60_000}m` : `${ms / 1000}s`
}

/** Milliseconds running bytestreams get to finish after SIGTERM. */
const DRAIN_MS_MAX = 30_000

/** What `streamhost serve` can be told. */
export const serveOptions = {
  service: {
    type: value.componentService.default({ host: '127.0.0.1', port: 5347 }),
    placeholder: 'xmpp://HOST:PORT',
    description: "the XMPP server's port for components (default xmpp://127.0.0.1:5347)",
  },
  domain: { type: value.domain, placeholder: 'JID', description: "the component's address, such as proxy.example.org" },
  'secret-file': {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'file with the secret shared with the server, or set STREAMHOST_SECRET',
  },
  listen: {
    type: value.list(value.listenAddress).default([{ host: '*', port: 7777 }]),
    placeholder: 'HOST:PORT',
    isList: true,
    description: 'where to accept SOCKS5 connections; repeatable (default *:7777)',
  },
  advertise: {
    type: value.list(value.advertisedAddress).default([]),
    placeholder: 'HOST[:PORT]',
    isList: true,
    description:
      'what clients are told to connect to, the most reachable first; repeatable (default: the listen addresses, for a wildcard the domain)',
  },
  allow: {
    type: value.list(value.text).optional(),
    placeholder: 'JID|DOMAIN|*',
    isList: true,
    description: 'who may use the proxy; repeatable (default: the domain without its first label)',
  },
  deny: {
    type: value.list(value.text, 0).default([]),
    placeholder: 'JID|DOMAIN',
    isList: true,
    description: 'who may not, whatever --allow says; repeatable (default: nobody)',
  },
  http: {
    type: value.httpAddress.optional(),
    placeholder: 'HOST:PORT',
    description: 'where to tell over HTTP how the service is: /healthz, /readyz, /metrics; on loopback without a HOST (default: nowhere)',
  },
  embedded: { type: value.flag.default(false), description: 'run the embedded XMPP server too, for one box without another server' },
  'embedded-listen': {
    type: value.listenAddress.default({ host: '127.0.0.1', port: 5222 }),
    placeholder: 'HOST:PORT',
    description: 'where the embedded server accepts clients (default 127.0.0.1:5222)',
  },
  'embedded-accounts-file': {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'TOML file with the accounts of the embedded server: name = "password"',
  },
  'embedded-tls-cert': {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'certificate of the embedded server, PEM (default: one of its own making, another at each start)',
  },
  'embedded-tls-key': { type: value.text.optional(), placeholder: 'FILE', description: 'its private key, PEM' },
  'open-sockets-max': amount('openSocketsMax', 'open SOCKS5 sockets'),
  'half-open-max': amount('halfOpenMax', 'sockets in their handshake'),
  'waiting-max': amount('waitingMax', 'sockets waiting for activation'),
  'open-per-source-max': amount('openPerSourceMax', 'open sockets of one address'),
  'half-open-per-source-max': amount('halfOpenPerSourceMax', 'sockets of one address in their handshake'),
  'read-ahead-max': {
    type: value.bytes.default(limits.readAheadBytesMax),
    placeholder: 'SIZE',
    description: `octets read before activation, of all sockets together (default ${formatBytes(limits.readAheadBytesMax).replace(' ', '')})`,
  },
  'rate-max': {
    type: value.rate.optional(),
    placeholder: 'SIZE',
    description: 'octets a second of all bytestreams together, both directions (default: no limit)',
  },
  'bytestream-rate-max': {
    type: value.rate.optional(),
    placeholder: 'SIZE',
    description: 'octets a second of each bytestream, both directions (default: no limit)',
  },
  'relay-memory-max': {
    type: value.bytes.default(limits.relayMemoryBytesMax),
    placeholder: 'SIZE',
    description:
      'memory TCP may take here before the buffers of bytestreams are made small (default: where the kernel begins to economise)',
  },
  'relay-threads': {
    type: value.count.default(1),
    placeholder: 'N',
    description: 'threads of the native engine; what has a rate is moved by the first (default 1)',
  },
  'handshake-time-max': time(limits.handshakeMsMax, 'for the SOCKS5 handshake'),
  'waiting-time-max': time(limits.waitingMsMax, 'for the other side, or for activation'),
  'idle-time-max': time(limits.idleMsMax, 'without an octet, after activation'),
  'drain-time-max': time(DRAIN_MS_MAX, 'for running bytestreams to finish after SIGTERM'),
  'log-level': {
    type: z.enum(['debug', 'info', 'warn', 'error', 'silent'], { error: 'expected debug, info, warn, error or silent' }).default('info'),
    placeholder: 'LEVEL',
    description: 'debug, info, warn, error or silent (default info)',
  },
  'log-private': { type: value.flag.default(false), description: 'leave JIDs and addresses out of the log' },
} as const satisfies Options

/** Of these, what changes while `serve` runs, when it reads its file again. */
export const reloadableOptions = [
  'allow',
  'deny',
  'rate-max',
  'bytestream-rate-max',
  'log-level',
] as const satisfies readonly (keyof typeof serveOptions)[]

/** What every command that logs in to an account can be told. */
export const accountOptions = {
  account: { type: value.account, placeholder: 'JID', description: 'the account to log in to' },
  'password-file': { type: value.text.optional(), placeholder: 'FILE', description: 'file with its password, or set STREAMHOST_PASSWORD' },
  service: {
    type: value.clientService.optional(),
    placeholder: 'xmpp://HOST:PORT',
    description: 'the server to connect to; xmpps:// for TLS from the first octet (default: found by DNS)',
  },
  'tls-ca': {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: "certificates (PEM) to trust besides this machine's own: of an authority, or of the server itself",
  },
  'tls-insecure': {
    type: value.flag.default(false),
    description: 'accept any certificate, for a test: whoever is on the way can then pretend to be the server',
  },
} as const satisfies Options

/** For whoever offers addresses of their own. */
const mapPort = {
  type: value.flag.default(false),
  description: 'have the router forward a port to here while a file is on its way, by NAT-PMP or UPnP; without it, this is told',
} as const

/** Which way a file goes. */
const method = z.enum(['auto', 'direct', 'proxy', 'ibb'], { error: 'expected auto, direct, proxy or ibb' }).default('auto')

/** How long a transfer may take to begin. */
const stepOptions = {
  'open-time-max': {
    type: value.duration.optional(),
    placeholder: 'TIME',
    description: `from an offer until its octets flow (default: ${inSetting(defaultTimings.overallMsMax)}, longer where an answer may take longer)`,
  },
  'connect-time-max': time(defaultTimings.attemptMsMax, 'for each address, and each proxy, to connect'),
} as const satisfies Options

/** For how long to put up with an interruption. */
const retryFor = (what: string) =>
  ({
    type: value.durationOrNone.default(defaultRetry.forMs),
    placeholder: 'TIME',
    description: `${what} without getting any further; 0: never (default ${inSetting(defaultRetry.forMs)})`,
  }) as const

/** What `streamhost send` can be told besides the account. */
export const sendOptions = {
  to: { type: value.jid, placeholder: 'JID', description: 'who gets the files: a bare JID, or a full one for one of its devices' },
  resource: {
    type: value.text.optional(),
    placeholder: 'NAME',
    description: 'which of the devices of --to gets them, if not whichever can (default: that of --to, if it has one)',
  },
  method: {
    type: method,
    placeholder: 'METHOD',
    description:
      'auto: direct or proxy, whichever works, else ibb; direct; proxy, which keeps your addresses to yourself; ibb: in band, through the XMPP servers, slow (default auto)',
  },
  negotiation: {
    type: z.enum(['auto', 'jingle', 'si'], { error: 'expected auto, jingle or si' }).default('auto'),
    placeholder: 'NAME',
    description: 'auto: jingle where the receiver knows it, else si; jingle; si: stream initiation (default auto)',
  },
  proxy: {
    type: value.jid.optional(),
    placeholder: 'JID',
    description: "this proxy only, with --method proxy or auto (default: those of the account's server)",
  },
  'map-port': mapPort,
  'retry-for': retryFor('how long a file that was interrupted is tried again'),
  description: { type: value.text.optional(), placeholder: 'TEXT', description: 'shown to the receiver' },
  hash: {
    type: value.list(z.enum(offerableAlgorithms, { error: `expected ${offerableAlgorithms.join(', ')}` })).default(['sha-256']),
    placeholder: 'HASH',
    isList: true,
    description: `which hashes of a file go along: ${offerableAlgorithms.join(', ')}; repeatable (default sha-256)`,
  },
  type: {
    type: value.mediaType.default('application/octet-stream'),
    placeholder: 'TYPE',
    description: 'the media type the receiver is told (default application/octet-stream)',
  },
  'answer-time-max': time(defaultTimings.answerMsMax, 'for the receiver, maybe a person, to accept'),
  ...stepOptions,
  'time-max': { type: value.duration.optional(), placeholder: 'TIME', description: 'for all of it, to the last file (default: no limit)' },
} as const satisfies Options

/** What `streamhost queue` has to be told. */
export const queueOptions = {
  queue: { type: value.text, placeholder: 'FILE', description: 'the file of the queue' },
} as const satisfies Options

/** What `streamhost send` can be told of a queue. */
export const sendQueueOptions = {
  queue: {
    type: value.text.optional(),
    placeholder: 'FILE',
    description:
      'add the files to a queue that outlives the program, and send what is in it, also what others add meanwhile; made if it is not there',
  },
  'absent-time-max': {
    type: value.durationOrNone.default(ABSENT_MS_MAX),
    placeholder: 'TIME',
    description: `with --queue, how long a receiver that is not there is waited for, anew for what is queued after that; 0: not at all (default ${inSetting(ABSENT_MS_MAX)})`,
  },
  priority: {
    type: value.whole.default(0),
    placeholder: 'N',
    description: 'files with a higher one are sent first (default 0)',
  },
  concurrency: { type: value.count.optional(), placeholder: 'N', description: 'files sent at once (default 4)' },
  'concurrency-per-peer': {
    type: value.count.optional(),
    placeholder: 'N',
    description: 'of them, to one account; the others do not wait for it (default: all)',
  },
} as const satisfies Options

/** What `streamhost receive` can be told besides the account. */
export const receiveOptions = {
  into: {
    type: value.text.optional(),
    placeholder: 'DIR',
    description: 'where files are stored; never overwrites one (this, or --out, is required)',
  },
  out: {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'one file is accepted, and stored as this one, which must not exist',
  },
  resource: {
    type: value.text.optional(),
    placeholder: 'NAME',
    description: 'what this device is called, for send --resource (default: as the server likes)',
  },
  from: {
    type: value.list(value.jid),
    placeholder: 'JID',
    isList: true,
    description: 'who may send; repeatable; nothing is accepted from others',
  },
  once: { type: value.flag.default(false), description: 'exit after the first file' },
  'retry-for': retryFor('with --once, how long a file that was interrupted is waited for'),
  flat: { type: value.flag.default(false), description: 'make no folders in it: those of directories that are sent are ignored' },
  method: {
    type: method,
    placeholder: 'METHOD',
    description: 'which ways are taken: auto: any; direct; proxy, which keeps your addresses to yourself; ibb (default auto)',
  },
  'map-port': mapPort,
  name: {
    type: value.list(value.text).optional(),
    placeholder: 'PATTERN',
    isList: true,
    description: "names that are accepted, such as '*.pdf'; repeatable (default: all)",
  },
  type: {
    type: value.list(value.mediaType).optional(),
    placeholder: 'TYPE',
    isList: true,
    description: 'media types that are accepted, such as image/*, as the sender tells them; repeatable (default: all)',
  },
  'hash-required': {
    type: value.flag.default(false),
    description: 'accept no file whose sender gives no hash that can be verified',
  },
  'hashes-blocked': {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'a list of contents that are not accepted, as sha256sum prints them',
  },
  'file-max': { type: value.size.optional(), placeholder: 'SIZE', description: 'of one file (default: unlimited)' },
  'total-max': {
    type: value.size.optional(),
    placeholder: 'SIZE',
    description: 'of all files being received at once (default: unlimited)',
  },
  'sender-max': { type: value.size.optional(), placeholder: 'SIZE', description: 'the same, of one account (default: unlimited)' },
  'files-max': {
    type: value.count.default(receiveLimits.transfersMax),
    placeholder: 'N',
    description: `files being received at once, of several senders half from each (default ${receiveLimits.transfersMax})`,
  },
  ...stepOptions,
  'time-max': {
    type: value.duration.optional(),
    placeholder: 'TIME',
    description: 'until it ends; with --once or --out also if nothing has come (default: no limit)',
  },
} as const satisfies Options

/** What `streamhost check` can be told besides the account. */
export const checkOptions = {
  peer: {
    type: value.account.optional(),
    placeholder: 'JID',
    description: 'another account, for the other end of the bytestreams (default: a second login of the account)',
  },
  'peer-password-file': {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'file with its password, or set STREAMHOST_PEER_PASSWORD',
  },
  stranger: {
    type: value.account.optional(),
    placeholder: 'JID',
    description: 'an account of another domain, or one that should be refused for another reason',
  },
  'stranger-password-file': {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'file with its password, or set STREAMHOST_STRANGER_PASSWORD',
  },
  'stranger-service': {
    type: value.clientService.optional(),
    placeholder: 'xmpp://HOST:PORT',
    description: 'the server it connects to (default: found by DNS, or that of an account of the same domain)',
  },
} as const satisfies Options

/** The settings of every command. */
export const allOptions: readonly Options[] = [
  serveOptions,
  accountOptions,
  checkOptions,
  sendOptions,
  sendQueueOptions,
  queueOptions,
  receiveOptions,
]
