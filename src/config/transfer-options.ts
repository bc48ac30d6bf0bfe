import * as z from 'zod'
import { defaultTimings } from '../bytestreams/index.ts'
import { ABSENT_MS_MAX, defaultRetry, offerableAlgorithms, receiveLimits } from '../transfer/index.ts'
import type { Options } from './load.ts'
import { inSetting, time } from './times.ts'
import * as value from './values.ts'

/** For whoever offers addresses of their own. */
export const mapPort = {
  type: value.flag.default(false),
  description: 'have the router forward a port to here while a file is on its way, by NAT-PMP or UPnP; without it, this is told',
} as const

/** Which way a file goes. */
const method = z.enum(['auto', 'direct', 'proxy', 'ibb'], { error: 'expected auto, direct, proxy or ibb' }).default('auto')

/** Of whoever sends. */
export const sendingMethod = {
  type: method,
  placeholder: 'METHOD',
  description:
    'auto: direct or proxy, whichever works, else ibb; direct; proxy, which keeps your addresses to yourself; ibb: in band, through the XMPP servers, slow (default auto)',
} as const

/** Of whoever receives. */
export const receivingMethod = {
  type: method,
  placeholder: 'METHOD',
  description: 'which ways are taken: auto: any; direct; proxy, which keeps your addresses to yourself; ibb (default auto)',
} as const

/** How long a transfer may take to begin. */
export const stepOptions = {
  'open-time-max': {
    type: value.duration.optional(),
    placeholder: 'TIME',
    description: `from an offer until its octets flow (default: ${inSetting(defaultTimings.overallMsMax)}, longer where an answer may take longer)`,
  },
  'connect-time-max': time(defaultTimings.attemptMsMax, 'for each address, and each proxy, to connect'),
} as const satisfies Options

/** For how long to put up with an interruption. */
export const retryFor = (what: string) =>
  ({
    type: value.durationOrNone.default(defaultRetry.forMs),
    placeholder: 'TIME',
    description: `${what} without getting any further; 0: never (default ${inSetting(defaultRetry.forMs)})`,
  }) as const

/** What a file is told to be by. */
export const hash = {
  type: value.list(z.enum(offerableAlgorithms, { error: `expected ${offerableAlgorithms.join(', ')}` })).default(['sha-256']),
  placeholder: 'HASH',
  isList: true,
  description: `which hashes of a file go along: ${offerableAlgorithms.join(', ')}; repeatable (default sha-256)`,
} as const

/** What `streamhost send` can be told besides the account. */
export const sendOptions = {
  to: { type: value.jid, placeholder: 'JID', description: 'who gets the files: a bare JID, or a full one for one of its devices' },
  resource: {
    type: value.text.optional(),
    placeholder: 'NAME',
    description: 'which of the devices of --to gets them, if not whichever can (default: that of --to, if it has one)',
  },
  method: sendingMethod,
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
  hash,
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
  method: receivingMethod,
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
