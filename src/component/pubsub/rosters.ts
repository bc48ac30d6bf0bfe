import { BytestreamError, bareJid, type Clock, domainOf, type Logger, LogRation, StanzaError, toBytestreamError } from '../../core/index.ts'
import { type Contact, type ContactsOf, Pubsub } from '../../pubsub/index.ts'
import type { Session } from '../../session/index.ts'
import { buildRosterRequest, type IqRequest, NS, parseRoster } from '../../xep/index.ts'
import type { Privileges } from './privileges.ts'

/** What owners' rosters say of others. A roster that cannot be read has nobody in it. */
export interface Rosters {
  /** As they were a moment ago, at most. */
  contacts(owners: readonly string[], account: string): Promise<readonly Contact[]>
  /**
   * As they are from now on, not a moment ago.
   *
   * @throws BytestreamError `ERR_SESSION_CLOSED` when the connection is gone meanwhile
   */
  readNow(owners: readonly string[]): Promise<ContactsOf>
}

export interface RostersComponents {
  /** Borrowed. */
  readonly session: Session
  /** Borrowed. */
  readonly privileges: Privileges
  readonly clock: Clock
  readonly logger: Logger
}

/** Milliseconds for which what a roster says is remembered. */
const ROSTER_MS_MAX = 10_000
/** Rosters that are remembered, and contacts in all of them. */
const ROSTERS_MAX = 1_000
const CONTACTS_MAX = 100_000
/** Rosters that are asked for at once. */
const READING_MAX = 1_000
/** Milliseconds for a server to answer with one. */
const ANSWER_MS_MAX = 5_000

/** Those who see the owner's presence, by account: nobody else counts as a contact. */
type Roster = ReadonlyMap<string, Contact>

const NOBODY: Roster = new Map()

interface Remembered {
  readonly roster: Roster
  readonly forget: () => void
}

/**
 * Reads the rosters of accounts whose server grants that, and remembers each for a moment, so that many who ask at once cost one
 * question. A server that tells what changes in them makes us forget them at once.
 *
 * @see XEP-0356 §4.3, §4.4
 */
export class GrantedRosters implements Rosters, Disposable {
  readonly #components: RostersComponents
  readonly #failures: LogRation<string>
  /** By owner; the one that was read first is the first. */
  readonly #remembered = new Map<string, Remembered>()
  #contacts = 0
  /** Questions that are under way, and those that follow as soon as they are answered. */
  readonly #reading = new Map<string, Promise<Roster>>()
  readonly #following = new Map<string, Promise<Roster>>()

  constructor(components: RostersComponents) {
    const { session, privileges, clock } = components
    this.#components = components
    this.#failures = new LogRation(clock)
    privileges.on('changed', this.#forgetAll)
    session.iqs.handle('set', NS.roster, 'query', (request) => this.#onPush(request))
  }

  async contacts(owners: readonly string[], account: string): Promise<readonly Contact[]> {
    const rosters = await Promise.all(owners.map((owner) => this.#recent(owner)))
    return rosters.flatMap((roster) => roster.get(account) ?? [])
  }

  async readNow(owners: readonly string[]): Promise<ContactsOf> {
    const rosters = await Promise.all(owners.map((owner) => this.#anew(owner)))
    return (account) => rosters.flatMap((roster) => roster.get(account) ?? [])
  }

  [Symbol.dispose](): void {
    this.#components.privileges.off('changed', this.#forgetAll)
    this.#forgetAll()
  }

  async #recent(owner: string): Promise<Roster> {
    const remembered = this.#remembered.get(owner)
    if (remembered) return remembered.roster
    try {
      return await (this.#reading.get(owner) ?? this.#read(owner))
    } catch {
      return NOBODY
    }
  }

  /** A question that is under way may have been answered before something changed: another one follows it, for all who want that. */
  #anew(owner: string): Promise<Roster> {
    const reading = this.#reading.get(owner)
    if (reading === undefined) return this.#read(owner)
    const waiting = this.#following.get(owner)
    if (waiting !== undefined) return waiting
    const follow = () => {
      this.#following.delete(owner)
      return this.#reading.get(owner) ?? this.#read(owner)
    }
    const following = reading.then(follow, follow)
    this.#following.set(owner, following)
    return following
  }

  async #read(owner: string): Promise<Roster> {
    if (this.#reading.size >= READING_MAX) {
      this.#tellFailure(new BytestreamError('ERR_INTERNAL', `more than ${READING_MAX} rosters are asked for`))
      return NOBODY
    }
    const reading = this.#ask(owner)
    this.#reading.set(owner, reading)
    try {
      const roster = await reading
      // Unless it was forgotten before it came.
      if (this.#reading.get(owner) === reading) this.#remember(owner, roster)
      return roster
    } finally {
      if (this.#reading.get(owner) === reading) this.#reading.delete(owner)
    }
  }

  /** @throws BytestreamError `ERR_SESSION_CLOSED` */
  async #ask(owner: string): Promise<Roster> {
    const { session, privileges } = this.#components
    if (!(await privileges.willRead(domainOf(owner)))) {
      // Another connection may grant it.
      if (!session.isOnline) throw new BytestreamError('ERR_SESSION_CLOSED', 'the connection was lost before anything was granted')
      return NOBODY
    }
    const question = { type: 'get', to: owner, payload: buildRosterRequest() } as const
    try {
      const answer = await session.request(question, { answerMsMax: ANSWER_MS_MAX })
      if (answer?.is('query', NS.roster)) return rosterOf(answer)
      this.#tellFailure(new BytestreamError('ERR_STREAM', 'the answer is no roster, or too large a one'))
    } catch (thrown) {
      const error = toBytestreamError(thrown)
      const isOfRoster = error instanceof StanzaError || error.code === 'ERR_TIMEOUT' || error.code === 'ERR_INTERNAL'
      // Whatever else it is has ended the connection.
      if (!isOfRoster) throw new BytestreamError('ERR_SESSION_CLOSED', error.message)
      this.#tellFailure(error)
    }
    return NOBODY
  }

  #tellFailure(err: BytestreamError): void {
    const suppressed = this.#failures.take('unreadable')
    if (suppressed === undefined) return
    this.#components.logger.warn({ err, suppressed }, 'a roster cannot be read: nobody counts as a contact of its owner')
  }

  #remember(owner: string, roster: Roster): void {
    this.#forget(owner)
    const cancel = this.#components.clock.after(ROSTER_MS_MAX, () => this.#forget(owner))
    this.#remembered.set(owner, { roster, forget: cancel })
    this.#contacts += roster.size
    for (const first of this.#remembered.keys()) {
      if (this.#remembered.size <= ROSTERS_MAX && this.#contacts <= CONTACTS_MAX) break
      this.#forget(first)
    }
  }

  #forget(owner: string): void {
    const remembered = this.#remembered.get(owner)
    if (!remembered) return
    remembered.forget()
    this.#remembered.delete(owner)
    this.#contacts -= remembered.roster.size
  }

  readonly #forgetAll = () => {
    for (const owner of [...this.#remembered.keys()]) this.#forget(owner)
    this.#reading.clear()
  }

  /** What it says is not believed, only that there is something new: whoever could forge it, forges it about himself. */
  #onPush({ from, to }: IqRequest): undefined {
    const isOfServer = from === bareJid(from) && this.#components.privileges.mayRead(domainOf(from))
    if (bareJid(to).includes('@') || !isOfServer) throw new BytestreamError('ERR_SERVICE_UNAVAILABLE', '')
    const owner = Pubsub.accountOf(from)
    this.#forget(owner)
    this.#reading.delete(owner)
  }
}

function rosterOf(answer: Parameters<typeof parseRoster>[0]): Roster {
  const roster = new Map<string, Contact>()
  for (const { jid, subscription, groups } of parseRoster(answer)) {
    if (subscription !== 'from' && subscription !== 'both') continue
    const account = tryAccountOf(jid)
    if (account !== undefined) roster.set(account, { subscription, groups })
  }
  return roster
}

/** A contact without a JID that can be is nobody. */
function tryAccountOf(jid: string): string | undefined {
  try {
    return Pubsub.accountOf(jid)
  } catch {
    return undefined
  }
}
