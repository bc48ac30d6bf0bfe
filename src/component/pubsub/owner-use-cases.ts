import { BytestreamError } from '../../core/index.ts'
import { PartialRefusal } from '../../session/index.ts'
import { buildPubsubAnswer, type Element, type PubsubAction, type PubsubAnswers, type PubsubOwnerRequests } from '../../xep/index.ts'
import { buildConfigForm, readConfig } from './config-form.ts'
import { pageOf } from './pages.ts'
import { toSubscription } from './subscriber-use-cases.ts'
import type { UseCases } from './use-case.ts'

/** XEP-0060 §8. */
export const ownerUseCases: UseCases<'create' | keyof PubsubOwnerRequests> = {
  create: {
    features: ['create-nodes', 'create-and-configure', 'instant-nodes', 'collections'],
    handle(pubsub, asker, { node: name, config: form }) {
      const { kind, change } = form ? readConfig(form) : { kind: undefined, change: undefined }
      const { node, notices } = pubsub.create(asker, { node: name, kind, config: change })
      return { answer: { node: name === undefined ? node.name : undefined }, notices }
    },
  },
  'get-config': {
    features: ['config-node'],
    handle(pubsub, asker, { node: name }) {
      const { node, config, collection } = pubsub.configuration(asker, name)
      return { answer: { node: name, config: buildConfigForm({ kind: node.kind, config, collection }, 'form', pubsub.accessModels) } }
    },
  },
  'set-config': {
    features: ['config-node'],
    handle(pubsub, asker, { node: name, config: form }) {
      const { node } = pubsub.configuration(asker, name)
      if (form.type === 'cancel') return { answer: {} }
      const { kind, change } = readConfig(form)
      if (kind !== undefined && kind !== node.kind) {
        throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'what a node holds is decided when it is created')
      }
      const { notices } = pubsub.configure(asker, name, change)
      return { answer: {}, notices }
    },
  },
  'get-default-config': {
    features: ['retrieve-default'],
    handle(pubsub, _asker, { kind }) {
      return { answer: { config: buildConfigForm({ kind, config: pubsub.defaultConfig }, 'form', pubsub.accessModels) } }
    },
  },
  delete: {
    features: ['delete-nodes'],
    handle(pubsub, asker, { node, redirect }) {
      return { answer: {}, ...pubsub.delete(asker, node, redirect) }
    },
  },
  purge: {
    features: ['purge-nodes'],
    handle(pubsub, asker, { node }) {
      return { answer: {}, ...pubsub.purge(asker, node) }
    },
  },
  'get-node-subscriptions': {
    features: ['manage-subscriptions'],
    handle(pubsub, asker, { node, page }) {
      const part = pubsub.nodeSubscriptions(asker, node, page)
      const subscriptions = part.found.map((each) => ({ ...toSubscription(each), node: undefined }))
      return { answer: { node, subscriptions, page: pageOf(part, page) } }
    },
  },
  'set-node-subscriptions': {
    features: ['manage-subscriptions'],
    handle(pubsub, asker, { node, subscriptions }) {
      const { notices, refused } = pubsub.setNodeSubscriptions(asker, node, subscriptions)
      const what = refusal(refused, 'get-node-subscriptions', { node, subscriptions: refused })
      return { answer: {}, notices, ...what }
    },
  },
  'get-node-affiliations': {
    features: ['modify-affiliations', 'member-affiliation', 'outcast-affiliation', 'publisher-affiliation', 'publish-only-affiliation'],
    handle(pubsub, asker, { node, page }) {
      const part = pubsub.nodeAffiliations(asker, node, page)
      const affiliations = part.found.map(({ account, affiliation }) => ({ jid: account, affiliation }))
      return { answer: { node, affiliations, page: pageOf(part, page) } }
    },
  },
  'set-node-affiliations': {
    features: ['modify-affiliations', 'member-affiliation', 'outcast-affiliation', 'publisher-affiliation', 'publish-only-affiliation'],
    handle(pubsub, asker, { node, affiliations }) {
      const { notices, refused } = pubsub.setNodeAffiliations(asker, node, affiliations)
      const what = refusal(refused, 'get-node-affiliations', { node, affiliations: refused })
      return { answer: {}, notices, ...what }
    },
  },
}

/** The changes that were not made, each with what stays in its place (XEP-0060 §8.8.2.4, §8.9.2.4). */
function refusal<Action extends PubsubAction>(
  refused: readonly unknown[],
  action: Action,
  answer: PubsubAnswers[Action],
): { readonly refused?: PartialRefusal } {
  if (refused.length === 0) return {}
  const payload = buildPubsubAnswer(action, answer) as Element
  return { refused: new PartialRefusal('ERR_NOT_ACCEPTABLE', 'these changes cannot be made; the others were', payload) }
}
