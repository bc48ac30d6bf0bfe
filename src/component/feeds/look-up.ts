import { type Clock, StanzaError } from '../../core/index.ts'
import type { PresenceStore, ResourceRecord } from '../../pubsub/index.ts'
import type { Session } from '../../session/index.ts'
import { buildDiscoInfoRequest } from '../../xep/index.ts'
import type { Availability } from './availability.ts'

export interface LookUpComponents {
  /** Borrowed. */
  readonly session: Session
  readonly store: PresenceStore
  readonly availability: Availability
  readonly clock: Clock
}

/** Devices that are asked at once. */
const ASKED_AT_ONCE = 8
/** For each to answer before the next is asked. */
const ANSWER_MS_MAX = 30_000
/** For one that did not to answer after all, or to say something else. */
const LATE_MS_MAX = 600_000
/** Devices that may be late. */
const LATE_MAX = 1_000
/** Devices that are read at once. */
const PAGE = 500

/** What a device that is there may answer without knowing what it is asked (RFC 6121 §8.5.3.2.3 has the others for one that is not). */
const FROM_SOMEBODY: readonly string[] = ['feature-not-implemented', 'item-not-found', 'forbidden', 'not-allowed']

/**
 * Finds out which devices are still there that were when the connection began before: each is asked what it can. Of accounts that have
 * granted their presence the probes of feeds tell.
 */
export class LookUp {
  readonly #components: LookUpComponents
  /** Those that have not answered in time, by JID. */
  readonly #late = new Map<string, ResourceRecord>()

  constructor(components: LookUpComponents) {
    this.#components = components
  }

  /** @param isOver whether the connection is gone, and another one begins anew */
  async run(isOver: () => boolean): Promise<void> {
    const { store } = this.#components
    this.#late.clear()
    const asking = new Set<Promise<void>>()
    for (const page of store.resources(PAGE)) {
      for (const resource of page) {
        if (isOver()) return
        if (store.hasGranted(resource.account)) {
          store.removeResource(resource.jid)
          continue
        }
        const asked = this.#ask(resource).finally(() => asking.delete(asked))
        asking.add(asked)
        if (asking.size >= ASKED_AT_ONCE) await Promise.race(asking)
      }
    }
    await Promise.all(asking)
  }

  /** Somebody has said something: a device that was given up is there, then. @param jid full */
  heard(jid: string): void {
    const late = this.#late.get(jid)
    if (late) this.#appear(late)
  }

  /** Settles when another one may be asked. */
  async #ask(resource: ResourceRecord): Promise<void> {
    const { session, clock } = this.#components
    const givenUp = new AbortController()
    const answered = session
      .request({ type: 'get', to: resource.jid, payload: buildDiscoInfoRequest() }, { answerMsMax: LATE_MS_MAX, signal: givenUp.signal })
      .then(
        () => this.#appear(resource),
        (error) => this.#failed(resource, error),
      )
    let cancel = () => {}
    const isLate = new Promise<'late'>((resolve) => {
      cancel = clock.after(ANSWER_MS_MAX, () => resolve('late'))
    })
    const end = await Promise.race([answered, isLate])
    cancel()
    if (end !== 'late') return
    if (this.#late.size < LATE_MAX) this.#late.set(resource.jid, resource)
    else givenUp.abort()
  }

  #appear(resource: ResourceRecord): void {
    const { jid, priority } = resource
    this.#late.delete(jid)
    this.#components.availability.appeared(jid, { priority })
  }

  #failed(resource: ResourceRecord, error: unknown): void {
    const { session, store, availability } = this.#components
    const { jid, account } = resource
    if (error instanceof StanzaError && FROM_SOMEBODY.includes(error.stanzaError.condition)) return this.#appear(resource)
    // Without a connection nobody could answer; and it may have shown itself meanwhile.
    if (!session.isOnline || availability.resourcesOf(account).some((each) => each.jid === jid)) return
    this.#late.delete(jid)
    store.removeResource(jid)
  }
}
