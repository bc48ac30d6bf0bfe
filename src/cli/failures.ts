import type { BytestreamMethod } from '../bytestreams/index.ts'
import { BytestreamError, bareJid, type ErrorCode, StanzaError } from '../core/index.ts'
import type { Transfer } from '../transfer/index.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'

/** What failed, of all that is between our disk and theirs; stable names, as programs are told them. */
type Hop = 'own disk' | 'account' | 'servers' | 'peer' | 'proxy' | 'direct' | 'in band' | 'way' | 'peer disk'

/** What a failure is about, as far as it is known. */
export interface Scene {
  /** The JID we log in with. */
  readonly account: string
  /** Who is, or would be, at the other end; without one it is about our account. */
  readonly peer?: string | undefined
  readonly direction?: Transfer['direction']
  /** Which way was to be gone. */
  readonly method?: BytestreamMethod | 'auto' | undefined
  /** Whether we have asked for the file: it was on offer. */
  readonly isAsked?: boolean | undefined
  /** Which way the octets went, once they did. */
  readonly opened?: { readonly method: BytestreamMethod; readonly streamhost?: { readonly jid: string } | undefined } | undefined
}

/** A failure in words. */
export interface Failure {
  /** Of none where it was the user's doing, or a matter of this command alone. */
  readonly hop: Hop | undefined
  /** One sentence: where, and what. */
  readonly text: string
  /** What to do about it; empty where `text` says it, or nothing helps. */
  readonly advice: string
}

/** `asking` is the other side until octets flow, and the way behind that; `way` is that of the octets; `content` depends on the side. */
type Place = Hop | 'asking' | 'content' | 'nowhere'

/** Neither publish-subscribe nor its database has part in a transfer. */
type TransferCode = Exclude<ErrorCode, `ERR_PUBSUB_${string}` | `ERR_OFFER_${string}` | `ERR_STORAGE${string}`>

const places = {
  ERR_SOCKS5_MALFORMED: 'way',
  ERR_SOCKS5_METHOD: 'way',
  ERR_SOCKS5_COMMAND: 'way',
  ERR_SOCKS5_ADDRESS_TYPE: 'way',
  ERR_SOCKS5_DST_ADDR: 'way',
  ERR_SOCKS5_REFUSED: 'way',
  ERR_HANDSHAKE_TIMEOUT: 'way',

  ERR_FORBIDDEN: 'peer',
  ERR_BAD_REQUEST: 'peer',
  ERR_JID_MALFORMED: 'nowhere',
  ERR_BYTESTREAM_UNKNOWN: 'way',
  ERR_PEER_MISSING: 'way',
  ERR_PLACES_TAKEN: 'way',
  ERR_NOT_A_STREAMHOST: 'way',
  ERR_LIMIT_SOCKETS: 'way',
  ERR_LIMIT_SOURCE_SOCKETS: 'way',
  ERR_LIMIT_HALF_OPEN: 'way',
  ERR_LIMIT_WAITING: 'peer',
  ERR_LIMIT_READ_AHEAD: 'way',
  ERR_LIMIT_ACCOUNT: 'way',
  ERR_SHUTTING_DOWN: 'peer',
  ERR_LISTEN: 'nowhere',

  ERR_SERVICE_UNAVAILABLE: 'peer',
  ERR_ITEM_NOT_FOUND: 'peer',
  ERR_STANZA: 'peer',
  ERR_STREAM: 'account',
  ERR_STANZA_TOO_BIG: 'account',
  ERR_SESSION_CLOSED: 'account',
  ERR_AUTHENTICATION: 'account',
  ERR_HOST_UNKNOWN: 'account',
  ERR_REPLACED: 'account',
  ERR_UNREACHABLE: 'asking',
  ERR_TLS: 'account',

  ERR_NOT_ACCEPTABLE: 'peer',
  ERR_NO_STREAMHOST: 'way',
  ERR_DESTINATION: 'way',
  ERR_DECLINED: 'peer',
  ERR_FILE_TOO_LARGE: 'peer disk',
  ERR_NO_VALID_STREAMS: 'peer',
  ERR_BAD_PROFILE: 'peer',
  ERR_NO_RESOURCE: 'peer',
  ERR_FILE_NAME: 'peer',
  ERR_FILE_EXISTS: 'own disk',
  ERR_FILE: 'own disk',
  ERR_DISK_SPACE: 'own disk',
  ERR_INTEGRITY: 'content',
  ERR_RESET: 'way',

  ERR_IN_BAND_REFUSED: 'way',
  ERR_IN_BAND_BLOCK_SIZE: 'way',
  ERR_IN_BAND_SEQUENCE: 'way',
  ERR_IN_BAND_DATA: 'way',

  ERR_JINGLE_OUT_OF_ORDER: 'peer',
  ERR_JINGLE_TIE_BREAK: 'peer',
  ERR_JINGLE_UNKNOWN_SESSION: 'peer',
  ERR_JINGLE_UNSUPPORTED_INFO: 'peer',

  ERR_CONFIG: 'nowhere',
  ERR_TIMEOUT: 'asking',
  ERR_CANCELLED: 'peer',
  ERR_ABORTED: 'nowhere',
  ERR_INTERNAL: 'nowhere',
} as const satisfies Record<TransferCode, Place>

/** Conditions by which a server says that it does not get to the other side's (RFC 6120 §8.3.3.15, §8.3.3.16). */
const CUT_OFF: readonly string[] = ['remote-server-not-found', 'remote-server-timeout']

/** What a transfer is about, at any time. */
export function sceneOf(about: Pick<Scene, 'account' | 'method' | 'isAsked'>, transfer: Transfer): () => Scene {
  const { direction } = transfer
  let opened: Scene['opened']
  transfer.on('opened', (facts) => {
    opened = facts
  })
  transfer.on('state', (state) => {
    if (state === 'preparing') opened = undefined
  })
  return () => ({ ...about, direction, peer: transfer.peer, opened })
}

/**
 * Says which hop has failed, what happened there, and what to do.
 *
 * @param signal what has ended the command: its own reason is about no hop
 */
export function describeFailure(error: BytestreamError, scene: Scene, signal?: AbortSignal): Failure {
  const hop = signal?.aborted && signal.reason === error ? undefined : hopOf(error, scene)
  const { message } = error
  // It often says who it is.
  const isNamed = hop === undefined || (hop === 'peer' && message.includes(bareJid(scene.peer ?? '')))
  const text = isNamed ? message : `${whereIs(hop, error, scene)}: ${message}`
  return { hop, text, advice: hop ? adviceOf(error, hop, scene) : '' }
}

/** The same as one line. */
export const sentenceOf = ({ text, advice }: Failure) => (advice ? `${text}; ${advice}` : text)

function hopOf(error: BytestreamError, { account, peer, direction, method, opened, isAsked = false }: Scene): Hop | undefined {
  const answer = answerIn(error)
  if (answer && peer !== undefined) {
    const from = bareJid(answer.from ?? '')
    if (from !== bareJid(peer)) return from === bareJid(account) || bareJid(account).endsWith(`@${from}`) ? 'account' : 'proxy'
    if (CUT_OFF.includes(answer.condition)) return 'servers'
    if (answer.condition === 'resource-constraint' && !isAsked) return 'peer disk'
  }
  const placeOf: Partial<Record<ErrorCode, Place>> = places
  const place = placeOf[error.code] ?? 'nowhere'
  if (place === 'nowhere') return undefined
  if (peer === undefined) return place === 'own disk' ? place : 'account'
  const isSaid = answer !== undefined || saidBy(error) !== undefined
  const way = ways[opened?.method ?? method ?? 'auto']
  switch (place) {
    case 'asking':
      return opened ? way : 'peer'
    case 'content':
      if (direction === 'send') return isSaid ? way : 'own disk'
      return isSaid ? 'peer disk' : way
    case 'way':
      return way
    case 'peer':
    case 'peer disk':
      // What a receiver has decided by itself failed nowhere.
      return direction === 'receive' && !isSaid && !isAsked ? undefined : place
    default:
      return place
  }
}

const ways = { direct: 'direct', proxy: 'proxy', ibb: 'in band', auto: 'way' } as const

function whereIs(hop: Hop, error: BytestreamError, { account, peer = 'the other side', opened }: Scene): string {
  switch (hop) {
    case 'own disk':
      return 'on our disk'
    case 'account':
      return `between ${bareJid(account)} and its server`
    case 'servers':
      return `between our server and ${peer}`
    case 'peer':
      return `at ${peer}`
    case 'proxy': {
      const jid = opened?.streamhost?.jid ?? proxyIn(error, peer)
      return jid === undefined ? `through a proxy to ${peer}` : `between us and the proxy ${jid}`
    }
    case 'direct':
      return `directly between us and ${peer}`
    case 'in band':
      return `in band between us and ${peer}`
    case 'way':
      return `between us and ${peer}`
    case 'peer disk':
      return `on the disk of ${peer}`
  }
}

/** What to do, where a sentence does not say; a code before its hop. */
const advices: Partial<Record<ErrorCode, string>> = {
  ERR_AUTHENTICATION: 'check --account and its password',
  ERR_HOST_UNKNOWN: 'check the domain of --account, and --service',
  ERR_REPLACED: 'let each program log in with a resource of its own, --account JID/NAME, or with none',
  ERR_CANCELLED: 'ask them why, and send it again',
  ERR_DISK_SPACE: 'make room, and run the same command again',
  ERR_FILE_EXISTS: 'name another with --out, or move it away',
}

function adviceOf(error: BytestreamError, hop: Hop, { account, direction, method = 'auto', opened, isAsked }: Scene): string {
  const { code } = error
  const known = advices[code]
  if (known !== undefined) return known
  const isSending = direction === 'send'
  switch (hop) {
    case 'own disk':
      return code === 'ERR_INTEGRITY' ? 'send it again once nothing writes to it' : ''
    case 'account':
      return code === 'ERR_UNREACHABLE' || code === 'ERR_TIMEOUT' ? 'check the network, or name the server with --service' : ''
    case 'servers':
      return 'check the domain, or try again later'
    case 'peer':
      if (isAsked) return exitCodeOf(error) === EXIT.absent ? 'whoever offers it has to be there: try again later' : ''
      if (code === 'ERR_NO_RESOURCE')
        return `start "streamhost receive --from ${bareJid(account)}" there, or another client that has us as a contact`
      if (code === 'ERR_TIMEOUT') return 'ask them to accept, or wait longer with --answer-time-max'
      if (isSending && code === 'ERR_DECLINED') return 'ask them why, or to accept it'
      return isAbsence(error) ? 'is it online, and does it accept files from us?' : ''
    case 'proxy':
      return opened ? goOn(isSending, code) : 'name another with --proxy, or try --method auto'
    case 'direct':
      return opened ? goOn(isSending, code) : 'try --method auto'
    case 'in band':
    case 'way':
      return opened ? goOn(isSending, code) : method === 'auto' ? '' : 'try --method auto'
    case 'peer disk':
      return isSending ? 'ask them to make room, or to take files of that size' : 'ask them to send it again'
  }
}

function goOn(isSending: boolean, code: ErrorCode): string {
  if (code === 'ERR_INTEGRITY') return isSending ? 'send it again, maybe by another --method' : 'ask them to send it again'
  return isSending ? 'the same command again goes on with it' : ''
}

/** Somebody's answer with an error, if that is what it is about. */
function answerIn(error: unknown): StanzaError | undefined {
  if (error instanceof StanzaError) return error
  return error instanceof Error && error.cause !== undefined ? answerIn(error.cause) : undefined
}

/** Which proxy has refused, where one has. */
function proxyIn(error: BytestreamError, peer: string): string | undefined {
  const from = answerIn(error)?.from
  return from !== undefined && bareJid(from) !== bareJid(peer) ? from : undefined
}

function saidBy(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return (error instanceof BytestreamError ? error.from : undefined) ?? saidBy(error.cause)
}

function isAbsence(error: BytestreamError): boolean {
  return error instanceof StanzaError && exitCodeOf(error) === EXIT.absent
}
