import { BytestreamError } from '../../core/index.ts'
import { type Asker, type Core, findNode, findOwnNode, removeSubscription, settingOf, viewOf } from '../core.ts'
import type { Notice } from '../notices.ts'
import type { Affiliation, AffiliationRecord, NodeRecord } from '../records.ts'
import { mayReceive } from '../rules/access.ts'
import { accountOf, byJids } from '../rules/names.ts'
import { transitions } from '../rules/privileges.ts'
import type { Section } from '../store/section.ts'
import { affiliationBytes } from '../weights.ts'
import { mapPart, numberNamed, type Page, partOf, whole } from './parts.ts'
import { approve } from './subscribe.ts'

export interface AffiliationChange {
  readonly jid: string
  readonly affiliation: Affiliation
}

/** A change that cannot be, and what stays in its place (XEP-0060 §8.9.2.4). */
export interface RefusedAffiliation {
  readonly jid: string
  readonly affiliation: Affiliation
}

/** What an account is at each node it is affiliated with; or at one node, `none` included. */
export function affiliationsOf(
  core: Core,
  asker: Asker,
  { node: name, page }: { readonly node?: string; readonly page?: Page | undefined },
) {
  const account = accountOf(asker.jid)
  if (name !== undefined) return whole([{ node: name, affiliation: core.store.affiliation(findNode(core, name).id, account) }])
  const part = partOf(core, page, {
    keyNamed: numberNamed,
    keyOf: ({ nodeId }: AffiliationRecord) => nodeId,
    read: (section) => core.store.affiliationsOf(account, section),
    count: () => core.store.countAffiliationsOf(account),
  })
  return mapPart(part, ({ nodeId, affiliation }) => ({ node: (core.store.nodeById(nodeId) as NodeRecord).name, affiliation }))
}

/** @throws BytestreamError as XEP-0060 §8.9.1.3 has it */
export function affiliationsAt(core: Core, asker: Asker, name: string, page?: Page) {
  const node = findOwnNode(core, asker, name, 'manage')
  return partOf(core, page, {
    keyNamed: (account) => account,
    keyOf: ({ account }) => account,
    read: (section: Section<string>) => core.store.affiliations(node.id, section),
    count: () => core.store.countAffiliations(node.id),
  })
}

/**
 * Makes every change that can be made, owners first, so that one may hand a node over.
 *
 * @throws BytestreamError as XEP-0060 §8.9.2.3 has it; `ERR_BAD_REQUEST` where an account is named twice. Then nothing has changed
 */
export function setAffiliations(core: Core, asker: Asker, name: string, changes: readonly AffiliationChange[]) {
  const node = findOwnNode(core, asker, name, 'manage')
  if (changes.length > core.limits.changesPerRequestMax) {
    throw new BytestreamError('ERR_PUBSUB_LIMIT', `at most ${core.limits.changesPerRequestMax} changes at once`)
  }
  const { meant, malformed } = byJids(changes)
  const wanted = meant.map(({ jid, affiliation }) => ({ jid, account: accountOf(jid), affiliation }))
  if (new Set(wanted.map(({ account }) => account)).size < wanted.length) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'an account has one affiliation')
  }
  const notices: Notice[] = []
  const refused: RefusedAffiliation[] = malformed.map(({ jid }) => ({ jid, affiliation: 'none' }))
  for (const { jid, account, affiliation } of ownersFirst(wanted)) {
    const before = core.store.affiliation(node.id, account)
    if (affiliation === before) continue
    if (mayBecome(core, node, { account, before, after: affiliation })) notices.push(...setAffiliation(core, node, account, affiliation))
    else refused.push({ jid, affiliation: before })
  }
  return { notices, refused }
}

const ownersFirst = <Change extends { readonly affiliation: Affiliation }>(changes: readonly Change[]) => [
  ...changes.filter(({ affiliation }) => affiliation === 'owner'),
  ...changes.filter(({ affiliation }) => affiliation !== 'owner'),
]

interface Becoming {
  readonly account: string
  readonly before: Affiliation
  readonly after: Affiliation
}

/** XEP-0060 §8.9.2.4: the last owner stays one. */
function mayBecome(core: Core, node: NodeRecord, { account, before, after }: Becoming): boolean {
  if (before === 'owner' && core.store.countOwners(node.id) === 1) return false
  if (before === 'none' && core.store.countAffiliations(node.id) >= core.limits.affiliationsPerNodeMax) return false
  if (before === 'none' && !core.store.hasRoomFor(affiliationBytes({ account }))) return false
  return transitions[before][after]
}

function setAffiliation(core: Core, node: NodeRecord, account: string, affiliation: Affiliation): Notice[] {
  core.store.setAffiliation(node.id, account, affiliation)
  core.audiences.forget(node.id)
  return [
    { kind: 'affiliation', to: [account], node: node.name, affiliation },
    ...core.store.subscriptionsAt(node.id, account).flatMap((subscription): Notice[] => {
      if (!mayReceive(affiliation, settingOf(core, node, 'accessModel'))) {
        removeSubscription(core, subscription)
        return [{ kind: 'subscription', to: [subscription.jid], subscription: viewOf(node, subscription, 'none') }]
      }
      // XEP-0060 §8.7.4: who is made owner or publisher needs no approval any more.
      const isApproved = subscription.state === 'pending' && (affiliation === 'owner' || affiliation === 'publisher')
      return isApproved ? approve(core, node, subscription) : []
    }),
  ]
}
