import { type BytestreamError, bareJid, StanzaError, toBytestreamError } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import { type Announcement, buildDiscoInfoRequest, type PubsubItem, parseAnnouncement } from '../xep/index.ts'
import type { Feed } from './feed-address.ts'
import type { OfferedFile } from './offered-file.ts'
import { isSameFile } from './trust.ts'

/** Items of a feed among which an earlier offer is looked for: the newest. */
const ITEMS_MAX = 1_000
/** Milliseconds for whoever has announced it to say that it is still there. */
const ANSWER_MS_MAX = 3_000

interface Search {
  /** Whether an id is one of an offer of this client. */
  readonly isOurs: (id: string) => boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Finds out whether this account has offered a file on a feed before, and nobody sends it any more.
 *
 * @returns the id of that offer
 * @throws BytestreamError `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`, `ERR_ABORTED`
 */
export async function earlierId(
  session: Session,
  { pubsub, node }: Feed,
  file: OfferedFile,
  { isOurs, signal }: Search,
): Promise<string | undefined> {
  try {
    for await (const item of pubsub.items(node, { max: ITEMS_MAX, signal })) {
      const announcement = announcementIn(item)
      if (!announcement || bareJid(announcement.owner) !== pubsub.account || isOurs(announcement.id)) continue
      if (!isSameFile(announcement, { ...announcement, file: file.announced })) continue
      if (!(await isThere(session, announcement.owner, signal))) return announcement.id
    }
  } catch (thrown) {
    const error: BytestreamError = toBytestreamError(thrown)
    // There is no such node yet, or we may not look at it.
    if (!(error instanceof StanzaError)) throw error
  }
  return undefined
}

function announcementIn({ id, payload }: PubsubItem): Announcement | undefined {
  try {
    const announcement = payload && parseAnnouncement(payload)
    return announcement?.id === id ? announcement : undefined
  } catch {
    return undefined
  }
}

/** Whether another client of the account is there under that address; under ours nobody else is. */
async function isThere(session: Session, owner: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (owner === session.jid) return false
  try {
    await session.request({ type: 'get', to: owner, payload: buildDiscoInfoRequest() }, { answerMsMax: ANSWER_MS_MAX, signal })
    return true
  } catch (thrown) {
    const error = toBytestreamError(thrown)
    if (error instanceof StanzaError || error.code === 'ERR_TIMEOUT') return false
    throw error
  }
}
