import * as z from 'zod'
import { formatBytes } from '../core/index.ts'
import { defaultLimits } from '../streamhost/index.ts'
import { getOptions, notifyOptions, offerOptions, watchOptions } from './feeds-options.ts'
import type { Options } from './load.ts'
import { backupOptions, pubsubOptions } from './pubsub-options.ts'
import { time } from './times.ts'
import { queueOptions, receiveOptions, sendOptions, sendQueueOptions } from './transfer-options.ts'
import * as value from './values.ts'

const limits = defaultLimits()

const amount = (name: 'openSocketsMax' | 'halfOpenMax' | 'waitingMax' | 'openPerSourceMax' | 'halfOpenPerSourceMax', what: string) => ({
  type: value.count.default(limits[name]),
  placeholder: 'N',
  description: `${what} (default ${limits[name]})`,
})

/** Milliseconds running bytestreams and notifications get to finish after SIGTERM. */
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
    description: 'who may not, nor create nodes, whatever else says so; repeatable (default: nobody)',
  },
  http: {
    type: value.httpAddress.optional(),
    placeholder: 'HOST:PORT',
    description: 'where to tell over HTTP how the service is: /healthz, /readyz, /metrics; on loopback without a HOST (default: nowhere)',
  },
  ...pubsubOptions,
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
  'drain-time-max': time(DRAIN_MS_MAX, 'for running bytestreams and notifications to finish after SIGTERM'),
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
  'pubsub-create',
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
  ...[offerOptions, watchOptions, getOptions, notifyOptions],
  backupOptions,
]
