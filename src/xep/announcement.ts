import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, chosenAttribute, wholeNumber } from './bounded.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'
import { attribute, type Element, xml } from './element.ts'
import type { FileMetadata } from './file-metadata.ts'
import { buildFileSharing, type FileSource, parseFileSharing } from './file-sharing.ts'
import type { Hash } from './hashes.ts'
import { type JinglePub, parseJinglePub } from './jingle-pub.ts'
import { NS } from './namespaces.ts'
import type { PublishedProtocol } from './published-start.ts'
import { parseSiPub, type SiPub } from './si-pub.ts'

/** What an announcement says of its file. */
export interface AnnouncedFile {
  /** As it came; a file system must not see it unchecked. The id of the offer, where a stranger names none. */
  readonly name: string
  /** Octets; strangers need not say. */
  readonly sizeBytes?: number | undefined
  readonly mediaType?: string | undefined
  /** When it was last changed, in milliseconds since 1970; on the wire to the second. */
  readonly dateMs?: number | undefined
  readonly description?: string | undefined
  readonly hashes: readonly Hash[]
}

const STATES = ['available', 'paused'] as const

/** `paused` while the owner is not there. */
export type AnnouncementState = (typeof STATES)[number]

/** A file somebody would send to whoever asks for it. */
export interface Announcement {
  /** For `<start/>`, and for links. */
  readonly id: string
  /** Whom to ask: a full JID from us; strangers may name a bare one, or a domain. */
  readonly owner: string
  /** How to ask, in order of preference. Without a size there is no `si`. */
  readonly protocols: readonly PublishedProtocol[]
  readonly file: AnnouncedFile
  readonly state: AnnouncementState
  /** Milliseconds since 1970; on the wire to the second. */
  readonly expiresMs?: number | undefined
  readonly routingKey?: string | undefined
  readonly downloadsMax?: number | undefined
  readonly atOnceMax?: number | undefined
}

/**
 * One payload of XEP-0060 for all who read any of the three specifications: a shared file, its sources beside what only we know.
 *
 * ```xml
 * <file-sharing xmlns='urn:xmpp:sfs:0' id='9559976B' disposition='attachment'>
 *   <file xmlns='urn:xmpp:file:metadata:0'><name>image.iso</name><size>1200000000</size></file>
 *   <sources>
 *     <jinglepub xmlns='urn:xmpp:jinglepub:1' from='ci@example.org/builds' id='9559976B'>…</jinglepub>
 *     <sipub xmlns='http://jabber.org/protocol/sipub' from='ci@example.org/builds' id='9559976B' …>…</sipub>
 *   </sources>
 *   <offer xmlns='https://www.npmjs.com/package/streamhost#feeds' state='available' expires='2026-11-23T05:00:00Z' key='linux.amd64'
 *          downloads-max='5' at-once-max='2'/>
 * </file-sharing>
 * ```
 * @see XEP-0447, XEP-0358, XEP-0137; docs/feeds.md for `<offer/>`
 */
export function buildAnnouncement(announcement: Announcement): Element {
  const { id, file, state, expiresMs, routingKey, downloadsMax, atOnceMax } = announcement
  const offer = xml('offer', {
    xmlns: NS.feeds,
    state,
    expires: expiresMs === undefined ? undefined : formatDateTime(expiresMs),
    key: routingKey,
    'downloads-max': downloadsMax,
    'at-once-max': atOnceMax,
  })
  const metadata = { ...sourceFile(file), description: file.description }
  return buildFileSharing({ id, disposition: 'attachment', file: metadata, sources: sourcesOf(announcement) }, offer)
}

/** The description is in the metadata alone, since it may be long. */
function sourceFile({ name, sizeBytes, mediaType, dateMs, hashes }: AnnouncedFile): FileMetadata {
  return { name, size: sizeBytes, mediaType, date: dateMs === undefined ? undefined : formatDateTime(dateMs), hashes }
}

function sourcesOf({ id, owner: from, protocols, file }: Announcement): FileSource[] {
  const { size, mediaType, ...described } = sourceFile(file)
  return protocols.flatMap((protocol): FileSource[] => {
    if (protocol === 'jingle') {
      return [{ kind: 'jingle', pub: { from, id, meta: [], file: { ...described, size, mediaType, hashUsed: [] } } }]
    }
    if (size === undefined) return []
    return [{ kind: 'si', pub: { from, id, mimeType: mediaType, file: { ...described, name: file.name, size } } }]
  })
}

/**
 * Also what a stranger's publisher announces a file with: a `<file-sharing/>` without what only we know, and a `<jinglepub/>` or a
 * `<sipub/>` alone. Those are available, without limits.
 *
 * @param sender whose it is where it does not say: inside a message that of the message
 * @returns `undefined` for what announces no file that can be asked for
 * @throws BytestreamError `ERR_BAD_REQUEST`, `ERR_BAD_PROFILE` or `ERR_JID_MALFORMED` for one that is not as its specification has it
 */
export function parseAnnouncement(payload: Element, sender?: string): Announcement | undefined {
  if (payload.is('jinglepub', NS.jinglePub)) {
    return payload.getChild('description', NS.jingleFileTransfer) && published([{ kind: 'jingle', pub: parseJinglePub(payload, sender) }])
  }
  if (payload.is('sipub', NS.siPub)) return published([{ kind: 'si', pub: parseSiPub(payload, sender) }])
  if (!payload.is('file-sharing', NS.fileSharing)) return undefined
  const { sources, file } = parseFileSharing(payload, sender)
  const announcement = published(sources, file)
  const offer = payload.getChild('offer', NS.feeds)
  return announcement && offer ? { ...announcement, ...parseOffer(offer) } : announcement
}

/** The first source that can be asked for, with the others of the same owner and id. */
function published(sources: readonly FileSource[], ...said: readonly FileMetadata[]): Announcement | undefined {
  const startable = sources.filter((source) => source.kind !== 'url')
  const first = startable[0]?.pub
  const owner = first?.from
  if (!first || !owner) return undefined
  const same = startable.filter(({ pub }) => pub.id === first.id && pub.from === owner)
  const words = same.map((source) => (source.kind === 'jingle' ? jingleWords(source.pub) : siWords(source.pub)))
  const protocols = [...new Set(same.map(({ kind }) => kind))]
  return { id: first.id, owner, protocols, file: announcedFile([...said, ...words], first.id), state: 'available' }
}

const jingleWords = ({ file, meta: [meta] }: JinglePub): FileMetadata => ({
  ...file,
  name: file.name ?? meta?.title,
  description: file.description ?? meta?.summary,
})

const siWords = ({ file, mimeType }: SiPub): FileMetadata => {
  const md5 = file.md5 ? [{ algo: 'md5', value: Buffer.from(file.md5, 'hex') }] : []
  return { ...file, mediaType: mimeType, hashes: file.hashes && file.hashes.length > 0 ? file.hashes : md5 }
}

/** What is said first counts. */
function announcedFile(words: readonly FileMetadata[], id: string): AnnouncedFile {
  const first = <Key extends keyof FileMetadata>(key: Key) => words.find((said) => said[key] !== undefined)?.[key]
  return {
    name: first('name') ?? id,
    sizeBytes: first('size'),
    mediaType: first('mediaType'),
    dateMs: parseDateTime(first('date') ?? ''),
    description: first('description'),
    hashes: words.find(({ hashes }) => hashes.length > 0)?.hashes ?? [],
  }
}

function parseOffer(offer: Element): Omit<Announcement, 'id' | 'owner' | 'protocols' | 'file'> {
  const expires = attribute(offer, 'expires')
  const expiresMs = expires === undefined ? undefined : parseDateTime(expires)
  if (expires !== undefined && expiresMs === undefined) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'when the offer expires is no DateTime of XEP-0082')
  }
  return {
    state: chosenAttribute(offer, 'state', STATES) ?? 'available',
    expiresMs,
    routingKey: boundedAttribute(offer, 'key'),
    downloadsMax: wholeNumber(attribute(offer, 'downloads-max'), 'downloads-max'),
    atOnceMax: wholeNumber(attribute(offer, 'at-once-max'), 'at-once-max'),
  }
}
