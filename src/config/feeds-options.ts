import type { Options } from './load.ts'
import { hash, mapPort, receivingMethod, retryFor, sendingMethod, stepOptions } from './transfer-options.ts'
import * as value from './values.ts'

const at = {
  type: value.jid.optional(),
  placeholder: 'SERVICE',
  description: "the service that has the feed (default: the first that the account's server names)",
} as const

const timeMax = (until: string) =>
  ({ type: value.duration.optional(), placeholder: 'TIME', description: `${until} (default: no limit)` }) as const

/** How a file that is asked for gets here. */
const fetchingOptions = {
  method: receivingMethod,
  'map-port': mapPort,
  ...stepOptions,
} as const satisfies Options

/** What `streamhost offer` can be told besides the account. */
export const offerOptions = {
  at,
  to: {
    type: value.list(value.jid).optional(),
    placeholder: 'JID',
    isList: true,
    description: 'who may fetch it: accounts, devices or domains; repeatable (default: whoever may see the feed)',
  },
  for: {
    type: value.duration.optional(),
    placeholder: 'TIME',
    description: 'how long it is on offer, such as 24h (default: until Ctrl-C)',
  },
  'downloads-max': { type: value.count.optional(), placeholder: 'N', description: 'how often it is to be had (default: no limit)' },
  'at-once-max': {
    type: value.count.optional(),
    placeholder: 'N',
    description: 'of them, at once; who asks meanwhile tries again later (default: no limit)',
  },
  key: {
    type: value.text.optional(),
    placeholder: 'KEY',
    description: 'words with dots between them that subscribers choose by, such as linux.amd64',
  },
  description: { type: value.text.optional(), placeholder: 'TEXT', description: 'shown to subscribers' },
  type: {
    type: value.mediaType.default('application/octet-stream'),
    placeholder: 'TYPE',
    description: 'the media type subscribers are told (default application/octet-stream)',
  },
  hash,
  pep: {
    type: value.flag.default(false),
    description: 'announce it at the account itself, too, to whoever has it as a contact (XEP-0163)',
  },
  keep: {
    type: value.flag.default(false),
    description: 'leave it announced when this ends, as paused: the same command takes it up again',
  },
  method: sendingMethod,
  'map-port': mapPort,
  ...stepOptions,
} as const satisfies Options

/** What `streamhost watch` can be told besides the account. */
export const watchOptions = {
  at,
  get: {
    type: value.text.optional(),
    placeholder: 'DIR',
    description: 'fetch what is announced, and store it there (default: tell of it)',
  },
  once: { type: value.flag.default(false), description: 'exit after the first file; without --get, after the first announcement' },
  key: {
    type: value.list(value.text).optional(),
    placeholder: 'PATTERN',
    isList: true,
    description: "which keys, such as 'linux.*': * is one word, # any number of them; repeatable (default: all)",
  },
  'size-max': {
    type: value.size.optional(),
    placeholder: 'SIZE',
    description: 'of one file; larger ones are not announced (default: unlimited)',
  },
  type: {
    type: value.list(value.mediaType).optional(),
    placeholder: 'TYPE',
    isList: true,
    description: 'media types that are wanted, such as image/*, as the owner tells them; repeatable (default: all)',
  },
  'any-owner': {
    type: value.flag.default(false),
    description: 'fetch also what is to be had from somebody else than who announced it, if there is a hash to know it by',
  },
  concurrency: { type: value.count.optional(), placeholder: 'N', description: 'files fetched at once (default 4)' },
  ...fetchingOptions,
  'time-max': timeMax('until it ends; with --once also if nothing has come'),
} as const satisfies Options

/** What `streamhost get` can be told besides the account. */
export const getOptions = {
  into: {
    type: value.text.optional(),
    placeholder: 'DIR',
    description: 'where files are stored; never overwrites one (this, or --out, is required)',
  },
  out: {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'one file is fetched, and stored as this one, which must not exist',
  },
  ...fetchingOptions,
  'retry-for': retryFor('how long a file that was interrupted is asked for again'),
  'time-max': timeMax('for all of it'),
} as const satisfies Options

/** What `streamhost notify` can be told besides the account. */
export const notifyOptions = {
  file: {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'offer this along, and stay until it was fetched, or --for is over',
  },
  for: {
    type: value.duration.default(3_600_000),
    placeholder: 'TIME',
    description: 'with --file, how long it is on offer (default 1h)',
  },
  'downloads-max': {
    type: value.count.optional(),
    placeholder: 'N',
    description: 'with --file, how often it is to be had (default: of a user once, else no limit)',
  },
  type: {
    type: value.mediaType.default('application/octet-stream'),
    placeholder: 'TYPE',
    description: 'the media type of --file (default application/octet-stream)',
  },
  method: sendingMethod,
  'map-port': mapPort,
  ...stepOptions,
} as const satisfies Options
