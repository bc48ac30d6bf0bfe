import type { ContentInit, JingleSession, JingleSessionContent, JingleSessions, Timings } from '../../bytestreams/index.ts'
import { BytestreamError, type Clock, StanzaError, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import type { JingleCondition } from '../../xep/index.ts'
import type { FileContent } from './file-content.ts'
import { FileSession } from './file-session.ts'

export interface TogetherComponents {
  readonly clock: Clock
  readonly jingle: JingleSessions
}

/** What came of an offer. `not spoken`: the other side does not take files this way. */
type Outcome = { readonly file: FileContent } | { readonly notSpoken: BytestreamError }

/** A place among the files that are offered at the same time. */
export interface Joined extends Disposable {
  /** Settles with what the other side decides. @throws BytestreamError when it refuses */
  offer(ready: Offer): Promise<Outcome>
}

/** A file that is ready to be offered. */
interface Offer {
  /** Full JID. */
  readonly to: string
  readonly content: ContentInit
  /** Of the session, where the other side waits for that one; for a file that is offered by itself. */
  readonly sid?: string | undefined
  readonly timings: Partial<Timings> | undefined
  readonly signal: AbortSignal
}

interface Ready extends Offer {
  /** Among those that have had their turn. */
  readonly place: number
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: BytestreamError) => void
}

/** Files that are offered at once in one session. */
const OFFERS_MAX = 50
/** Conditions by which somebody refuses the files, not the way they are offered. */
const DECIDED: readonly JingleCondition[] = ['busy', 'cancel', 'decline', 'gone', 'media-error', 'security-error', 'success', 'timeout']
/** Conditions of an answer by which somebody does (RFC 6120 §8.3.3). */
const FORBIDDEN: readonly string[] = ['forbidden', 'not-acceptable', 'not-allowed']
/** Conditions of an answer by which somebody does not know Jingle, or not its files. */
const UNKNOWN: readonly string[] = ['feature-not-implemented', 'service-unavailable']

/**
 * Files that are sent by one call. Those for the same receiver go into one Jingle session: the first ones begin it, the
 * others are added, when their turn has come. Where the other side does not take that, each has a session of its own.
 *
 * @see XEP-0234 §6.3
 */
export class Together {
  readonly #components: TogetherComponents
  /** By full JID. */
  readonly #sessions = new Map<string, FileSession>()
  readonly #ready: Ready[] = []
  #places = 0
  /** Files that have their turn, and are not ready. */
  #preparing = 0
  #names = 0

  constructor(components: TogetherComponents) {
    this.#components = components
  }

  /**
   * A file has its turn; those that have it at the same time are offered together, in the order in which they got it. Dispose of it
   * when it will not be offered.
   */
  join(): Joined {
    const place = this.#places++
    this.#preparing++
    let isJoined = true
    const leave = () => {
      if (!isJoined) return
      isJoined = false
      this.#preparing--
      if (this.#preparing === 0) this.#offerReady()
    }
    return {
      offer: (offer) =>
        new Promise((resolve, reject) => {
          this.#ready.push({ ...offer, place, resolve, reject })
          leave()
        }),
      [Symbol.dispose]: leave,
    }
  }

  #offerReady(): void {
    const ready = this.#ready.splice(0).sort((one, other) => one.place - other.place)
    for (const to of new Set(ready.map((each) => each.to))) {
      const own = ready.filter((each) => each.to === to)
      for (let at = 0; at < own.length; at += OFFERS_MAX) void this.#offer(to, own.slice(at, at + OFFERS_MAX))
    }
  }

  async #offer(to: string, ready: readonly Ready[]): Promise<void> {
    const open = this.#sessions.get(to)
    const left = open?.isOpen ? await this.#add(open, ready) : ready
    for (const each of await this.#begin(to, left)) void this.#begin(to, [each])
  }

  /** Adds files to a session. @returns those that are not taken there */
  async #add(files: FileSession, ready: readonly Ready[]): Promise<readonly Ready[]> {
    try {
      const contents = await files.session.addContents(this.#contentsOf(ready))
      return await this.#settle(ready, contents, files, 'there is another way')
    } catch {
      return ready // It has ended meanwhile, is full, or the other side adds none.
    }
  }

  /** Begins a session. @returns the files that are not taken together */
  async #begin(to: string, ready: readonly Ready[]): Promise<readonly Ready[]> {
    const [first, second] = ready
    if (!first) return []
    const contents = this.#contentsOf(ready)
    const { sid, timings } = first
    // What the other side says right behind its acknowledgement has been heard when we come to look.
    const lost: JingleSessionContent[] = []
    const onLost = ({ content }: { readonly content: JingleSessionContent }) => void lost.push(content)
    let files!: FileSession // begin() gives the session before anything else.
    const onSession = (session: JingleSession) => {
      files = new FileSession(this.#components.clock, session)
      session.on('contentRejected', onLost).on('contentRemoved', onLost)
    }
    try {
      const session = await this.#components.jingle.begin({ peer: to, contents, sid, onSession, timings })
      session.off('contentRejected', onLost).off('contentRemoved', onLost)
      this.#sessions.set(to, files)
      const all = [...session.contents, ...lost]
      const known = contents.map(({ name }) => all.find((content) => content.name === name))
      return await this.#settle(ready, known, files, second ? 'there is another way' : 'there is no other way')
    } catch (thrown) {
      const error = toBytestreamError(thrown)
      const left = ready.filter(({ signal }) => !signal.aborted)
      if (left.length === ready.length) return refuse(ready, error)
      // Those that were cancelled while the session was prepared are no matter of the others.
      for (const { signal, reject } of ready) if (signal.aborted) reject(error)
      return await this.#begin(to, left)
    }
  }

  #contentsOf(ready: readonly Ready[]): ContentInit[] {
    return ready.map(({ content }) => {
      this.#names++
      return { name: `file-${this.#names}`, ...content }
    })
  }

  /** Waits for what the other side decides about each. @returns the files about which it has not decided */
  async #settle(
    ready: readonly Ready[],
    contents: readonly (JingleSessionContent | undefined)[],
    files: FileSession,
    otherwise: 'there is another way' | 'there is no other way',
  ): Promise<readonly Ready[]> {
    const decided = contents.map(async (content, at) => {
      const each = ready[at] as Ready
      // One that was refused before we could look was not accepted with the others.
      return content ? await settleOne(each, files.follow(content), otherwise) : false
    })
    const isDecided = await Promise.all(decided)
    const left = ready.filter((_, at) => !isDecided[at])
    if (otherwise === 'there is another way') return left
    for (const { to, reject } of left) reject(new BytestreamError('ERR_DECLINED', `${to} does not want the file`))
    return []
  }
}

/** @returns whether the other side has decided about a file */
async function settleOne(
  { signal, resolve, reject }: Ready,
  file: FileContent,
  otherwise: 'there is another way' | 'there is no other way',
): Promise<boolean> {
  const onAbort = () => file.fail({ condition: 'cancel' })
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) onAbort()
    await file.accepted()
    throwIfAborted(signal) // In the same moment.
    resolve({ file })
    return true
  } catch (thrown) {
    file.settle()
    const { by, reason, isOmitted } = file.end ?? {}
    if (by === 'peer' && reason?.condition === 'unsupported-applications') resolve({ notSpoken: toBytestreamError(thrown) })
    else if (otherwise === 'there is another way' && by === 'peer' && (isOmitted || !DECIDED.includes(reason?.condition ?? 'decline')))
      return false
    else reject(toBytestreamError(thrown))
    return true
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** @returns the files to be offered each by itself */
function refuse(ready: readonly Ready[], error: BytestreamError): readonly Ready[] {
  const condition = error instanceof StanzaError ? error.condition : ''
  if (UNKNOWN.includes(condition)) {
    for (const { resolve } of ready) resolve({ notSpoken: error })
    return []
  }
  const isForbidden = FORBIDDEN.includes(condition)
  if (ready.length > 1 && error instanceof StanzaError && !isForbidden) return ready
  const sentence = `${ready[0]?.to} declined${error instanceof StanzaError && error.text ? `: ${error.text}` : ''}`
  for (const { reject } of ready) reject(isForbidden ? new BytestreamError('ERR_DECLINED', sentence, { cause: error }) : error)
  return []
}
