import { BytestreamError, bareJid, formatBytes, tryPrepareJid } from '../core/index.ts'
import { pickAlgorithm } from '../transfer/index.ts'
import type { Announcement, FeedAcceptance } from '../xep/index.ts'
import type { FeedAddress } from './feed-address.ts'

/** What is known of who is behind an announcement. */
export interface Provenance {
  readonly feed: FeedAddress
  /** Who published it, as the service says. */
  readonly publisher: string | undefined
  /** The full JID of this client. */
  readonly self: string
  /** Whether files of others than whoever published them are asked for. */
  readonly anyOwner: boolean
}

/**
 * Whether the owner an announcement names is to be asked. A service vouches for who published, nobody for the owner: whoever is named there is
 * asked by everybody who watches. A file without a hash that we can verify may be anything, and comes from its publisher only.
 *
 * @throws BytestreamError `ERR_FORBIDDEN`; `ERR_NOT_ACCEPTABLE` for what this client itself has on offer
 * @see docs/adr/0024; XEP-0447 §6
 */
export function checkOwner({ owner, file }: Announcement, { feed, publisher, self, anyOwner }: Provenance): void {
  if (tryPrepareJid(owner) === self) throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'it is what this client has on offer')
  // Nobody else publishes at the node of an account (XEP-0163 §1).
  const from = publisher ?? (feed.service.includes('@') ? feed.service : undefined)
  if (from === undefined || bareJid(tryPrepareJid(from)) === bareJid(tryPrepareJid(owner))) return
  const isVerifiable = pickAlgorithm(file.hashes.map(({ algo }) => algo)) !== undefined
  if (anyOwner && isVerifiable) return
  const why = anyOwner ? ', and there is no hash by which to know it' : ''
  throw new BytestreamError('ERR_FORBIDDEN', `${bareJid(from)} announced what is to be had from ${bareJid(owner)}${why}`)
}

/**
 * Whether a file is one that is wanted, as far as its announcement tells.
 *
 * @throws BytestreamError `ERR_FILE_TOO_LARGE`, `ERR_DECLINED`
 */
export function checkAccepted({ file, protocols }: Announcement, { mediaTypes, sizeBytesMax = Infinity, methods }: FeedAcceptance): void {
  if ((file.sizeBytes ?? 0) > sizeBytesMax) {
    throw new BytestreamError('ERR_FILE_TOO_LARGE', `files of at most ${formatBytes(sizeBytesMax)} are wanted`)
  }
  if (mediaTypes && !isOneOf(mediaTypes, file.mediaType)) throw new BytestreamError('ERR_DECLINED', 'files of this type are not wanted')
  if (methods && !protocols.some((protocol) => methods.includes(protocol))) {
    throw new BytestreamError('ERR_DECLINED', `it is to be had by ${protocols.join(', ') || 'no way we know'} only`)
  }
}

/** RFC 2045 §5.1: case makes no difference, and parameters belong to no type. */
function isOneOf(wanted: readonly string[], mediaType = ''): boolean {
  const [type = ''] = mediaType.toLowerCase().split(';', 1)
  const [main] = type.trim().split('/', 1)
  return type !== '' && wanted.some((each) => [type.trim(), `${main}/*`, '*/*'].includes(each.toLowerCase()))
}

/** Whether two announcements under one id are of the same file. */
export function isSameFile(one: Announcement, other: Announcement): boolean {
  const [a, b] = [one.file, other.file]
  if (a.name !== b.name || a.sizeBytes !== b.sizeBytes) return false
  const shared = a.hashes.filter(({ algo }) => b.hashes.some((hash) => hash.algo === algo))
  if (shared.length === 0) return a.dateMs === b.dateMs && a.hashes.length === b.hashes.length
  return shared.every(({ algo, value }) => b.hashes.every((hash) => hash.algo !== algo || hash.value.equals(value)))
}
