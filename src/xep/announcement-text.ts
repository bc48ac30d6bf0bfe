import { formatBytes } from '../core/index.ts'
import { type Announcement, buildAnnouncement } from './announcement.ts'
import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'
import { buildJingleUri } from './xmpp-uri.ts'

/** Characters of a name in the text of an announcement. */
const NAME_CHARACTERS_MAX = 200
/** Characters of a description there. */
const DESCRIPTION_CHARACTERS_MAX = 1000

/** One line for people: without control characters, and marks that change the direction of text. */
function line(text: string, charactersMax: number): string {
  const clean = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\s]+/gu, ' ').trim()
  const characters = [...clean]
  return characters.length > charactersMax ? `${characters.slice(0, charactersMax - 1).join('')}…` : clean
}

/**
 * What somebody reads whose client knows nothing of announcements: a line about the file, another one while its owner is away, and a link
 * where Jingle can ask for it.
 *
 * ```
 * image.iso (1.1 GiB): nightly build of the main branch
 * xmpp:ci@example.org/builds?jingle;id=9559976B
 * ```
 * @throws BytestreamError `ERR_JID_MALFORMED`
 */
export function announcementBody({ id, owner, protocols, file, state }: Announcement): string {
  const size = file.sizeBytes === undefined ? '' : ` (${formatBytes(file.sizeBytes)})`
  const description = line(file.description ?? '', DESCRIPTION_CHARACTERS_MAX)
  const about = `${line(file.name, NAME_CHARACTERS_MAX) || 'a file'}${size}${description && `: ${description}`}`
  const paused = state === 'paused' ? 'paused: its owner is away' : ''
  const link = protocols.includes('jingle') ? buildJingleUri({ jid: owner, id }) : ''
  return [about, paused, link].filter((part) => part !== '').join('\n')
}

/**
 * What a message holds that announces a file: the text for people, that it is but that, and the announcement.
 *
 * ```xml
 * <body>image.iso (1.1 GiB)
 * xmpp:ci@example.org/builds?jingle;id=9559976B</body>
 * <fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:sfs:0'><body/></fallback>
 * <file-sharing xmlns='urn:xmpp:sfs:0' …>…</file-sharing>
 * ```
 * @throws BytestreamError `ERR_JID_MALFORMED`
 * @see XEP-0447 §3.1, XEP-0428
 */
export function buildAnnouncementMessageParts(announcement: Announcement): Element[] {
  return [
    xml('body', {}, announcementBody(announcement)),
    xml('fallback', { xmlns: NS.fallback, for: NS.fileSharing }, xml('body')),
    buildAnnouncement(announcement),
  ]
}
