import { StanzaError } from '../../core/index.ts'
import type { PresenceStore, ResourceRecord } from '../../pubsub/index.ts'
import type { Session } from '../../session/index.ts'
import { buildDiscoInfoRequest } from '../../xep/index.ts'
import type { Availability } from './availability.ts'

export interface LookUpComponents {
  /** Borrowed. */
  readonly session: Session
  readonly store: PresenceStore
  readonly availability: Availability
}

/** Devices that are asked at once. */
const ASKED_AT_ONCE = 8
/** For each to answer. */
const ANSWER_MS_MAX = 30_000
/** Devices that are read at once. */
const PAGE = 500

/** What a device that is there may answer without knowing what it is asked (RFC 6121 §8.5.3.2.3 has the others for one that is not). */
const FROM_SOMEBODY: readonly string[] = ['feature-not-implemented', 'item-not-found', 'forbidden', 'not-allowed']

/**
 * Finds out which devices are still there that were when the connection began before: each is asked what it can. Of accounts that have
 * granted their presence the probes of feeds tell.
 *
 * @param isOver whether the connection is gone, and another one begins anew
 */
export async function lookUp(components: LookUpComponents, isOver: () => boolean): Promise<void> {
  const { store } = components
  const asking = new Set<Promise<void>>()
  for (const page of store.resources(PAGE)) {
    for (const resource of page) {
      if (isOver()) return
      if (store.hasGranted(resource.account)) {
        store.removeResource(resource.jid)
        continue
      }
      const asked = ask(components, resource).finally(() => asking.delete(asked))
      asking.add(asked)
      if (asking.size >= ASKED_AT_ONCE) await Promise.race(asking)
    }
  }
  await Promise.all(asking)
}

async function ask({ session, store, availability }: LookUpComponents, { jid, priority }: ResourceRecord): Promise<void> {
  try {
    await session.request({ type: 'get', to: jid, payload: buildDiscoInfoRequest() }, { answerMsMax: ANSWER_MS_MAX })
    availability.appeared(jid, { priority })
  } catch (error) {
    if (error instanceof StanzaError && FROM_SOMEBODY.includes(error.stanzaError.condition)) availability.appeared(jid, { priority })
    else if (session.isOnline) store.removeResource(jid)
  }
}
