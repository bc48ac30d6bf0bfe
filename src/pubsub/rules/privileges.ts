import type { Affiliation } from '../records.ts'

/** The columns of XEP-0060 §4.1, and what an owner does besides: lists of affiliations and subscriptions, approvals. */
export type Action = 'subscribe' | 'retrieve' | 'publish' | 'retract' | 'purge' | 'configure' | 'delete' | 'manage'

/** `own`: what one has published oneself. `model`: as the access model, or the publish model, says. */
export type Privilege = 'yes' | 'no' | 'own' | 'model'

/**
 * Every affiliation and every action (XEP-0060 §4.1). Where that leaves a choice: who publishes retracts his own items only, and
 * purging is for owners, as §8.5.3.2 has it. What the models of a node open to everybody is `model` here.
 */
export const privileges = {
  owner: {
    subscribe: 'yes',
    retrieve: 'yes',
    publish: 'yes',
    retract: 'yes',
    purge: 'yes',
    configure: 'yes',
    delete: 'yes',
    manage: 'yes',
  },
  publisher: {
    subscribe: 'yes',
    retrieve: 'yes',
    publish: 'yes',
    retract: 'own',
    purge: 'no',
    configure: 'no',
    delete: 'no',
    manage: 'no',
  },
  'publish-only': {
    subscribe: 'no',
    retrieve: 'no',
    publish: 'yes',
    retract: 'own',
    purge: 'no',
    configure: 'no',
    delete: 'no',
    manage: 'no',
  },
  member: {
    subscribe: 'yes',
    retrieve: 'yes',
    publish: 'model',
    retract: 'model',
    purge: 'no',
    configure: 'no',
    delete: 'no',
    manage: 'no',
  },
  none: {
    subscribe: 'model',
    retrieve: 'model',
    publish: 'model',
    retract: 'model',
    purge: 'no',
    configure: 'no',
    delete: 'no',
    manage: 'no',
  },
  outcast: {
    subscribe: 'no',
    retrieve: 'no',
    publish: 'no',
    retract: 'no',
    purge: 'no',
    configure: 'no',
    delete: 'no',
    manage: 'no',
  },
} as const satisfies Record<Affiliation, Record<Action, Privilege>>

/**
 * XEP-0060 §4.1, the second table, which §8.9.2.4 makes a rule: from the affiliation of a row to that of a column. Not named there is
 * `publish-only`, which is a publisher in this.
 */
export const transitions = {
  outcast: { outcast: true, none: true, member: true, publisher: true, 'publish-only': true, owner: true },
  none: { outcast: true, none: true, member: true, publisher: true, 'publish-only': true, owner: true },
  member: { outcast: true, none: true, member: true, publisher: true, 'publish-only': true, owner: true },
  publisher: { outcast: true, none: true, member: false, publisher: true, 'publish-only': true, owner: true },
  'publish-only': { outcast: true, none: true, member: false, publisher: true, 'publish-only': true, owner: true },
  owner: { outcast: false, none: true, member: false, publisher: false, 'publish-only': false, owner: true },
} as const satisfies Record<Affiliation, Record<Affiliation, boolean>>
