import type { ErrorCode } from '../../core/index.ts'
import type { AccessModel } from '../node-config.ts'
import type { Affiliation } from '../records.ts'
import { privileges } from './privileges.ts'

/** What an owner's roster says of whoever asks (RFC 6121 §2.1.2); for the access models `presence` and `roster`. */
export interface Contact {
  /** `from` and `both`: it is subscribed to the owner's presence. */
  readonly subscription: 'none' | 'to' | 'from' | 'both'
  readonly groups: readonly string[]
}

/** All that decides whether somebody may subscribe, or retrieve items. */
export interface AccessQuestion {
  readonly affiliation: Affiliation
  readonly model: AccessModel
  readonly rosterGroups: readonly string[]
  /** Of each owner's roster that was asked. */
  readonly contacts: readonly Contact[]
  /** Asked only where it decides. */
  readonly isSubscribed: () => boolean
}

/** The answer of each model to somebody whose affiliation says nothing (XEP-0060 §4.5, §6.1.3, §6.5.1). */
const models = {
  open: { subscribe: () => 'yes', retrieve: () => 'yes' },
  presence: { subscribe: byPresence, retrieve: byPresence },
  roster: { subscribe: byGroup, retrieve: byGroup },
  authorize: {
    subscribe: () => 'pending',
    retrieve: ({ isSubscribed }) => (isSubscribed() ? 'yes' : 'ERR_PUBSUB_SUBSCRIBERS_ONLY'),
  },
  whitelist: { subscribe: () => 'ERR_PUBSUB_CLOSED_NODE', retrieve: () => 'ERR_PUBSUB_CLOSED_NODE' },
} as const satisfies Record<AccessModel, Record<'subscribe' | 'retrieve', (question: AccessQuestion) => 'yes' | 'pending' | ErrorCode>>

/** `pending`: an owner has to say so first. */
export function maySubscribe(question: AccessQuestion): 'yes' | 'pending' | ErrorCode {
  const privilege = privileges[question.affiliation].subscribe
  return privilege === 'model' ? models[question.model].subscribe(question) : privilege === 'yes' ? 'yes' : 'ERR_FORBIDDEN'
}

export function mayRetrieve(question: AccessQuestion): 'yes' | ErrorCode {
  const privilege = privileges[question.affiliation].retrieve
  return privilege === 'model' ? models[question.model].retrieve(question) : privilege === 'yes' ? 'yes' : 'ERR_FORBIDDEN'
}

/** Whether everybody may find a node in lists (XEP-0060 §5.2): one to which everybody has access, or may ask for it. */
export const isListed = (model: AccessModel): boolean => model === 'open' || model === 'authorize'

/**
 * Whether a subscription goes on: a node that is open to a list only does not send to whom is not on it any more, and nobody
 * may be sent anything whom his affiliation keeps from it.
 */
export function mayReceive(affiliation: Affiliation, model: AccessModel): boolean {
  const privilege = privileges[affiliation].subscribe
  return privilege === 'yes' || (privilege === 'model' && model !== 'whitelist')
}

function byPresence({ contacts }: AccessQuestion) {
  return contacts.some(sharesPresence) ? 'yes' : 'ERR_PUBSUB_PRESENCE_REQUIRED'
}

/** XEP-0060 §6.5.1: subscribed to the presence, and in a group. */
function byGroup(question: AccessQuestion) {
  const { contacts, rosterGroups } = question
  const isIn = contacts.some((contact) => sharesPresence(contact) && contact.groups.some((group) => rosterGroups.includes(group)))
  return isIn ? 'yes' : 'ERR_PUBSUB_NOT_IN_GROUP'
}

const sharesPresence = ({ subscription }: Contact) => subscription === 'from' || subscription === 'both'

/** Whether it is for the owners' rosters to say who is let in. */
export const asksRosters = (model: AccessModel): boolean => model === 'presence' || model === 'roster'
