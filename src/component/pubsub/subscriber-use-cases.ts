import type { SubscriptionView } from '../../pubsub/index.ts'
import { formatDateTime, type PubsubEntityRequests, type PubsubSubscription } from '../../xep/index.ts'
import { buildOptionsForm, readOptions } from './options-form.ts'
import { pageOf } from './pages.ts'
import type { UseCases } from './use-case.ts'

/** XEP-0060 §5.6: with its `subid`, as there may be several. */
export function toSubscription({ node, jid, subid, state, expiresMs }: SubscriptionView): PubsubSubscription {
  return { node, jid, subid, state, ...(expiresMs !== undefined && { expiry: formatDateTime(expiresMs) }) }
}

/** XEP-0060 §5.6, §5.7, §6.1-§6.4. */
export const subscriberUseCases: UseCases<Exclude<keyof PubsubEntityRequests, 'create' | 'publish' | 'retract' | 'get-items'>> = {
  subscribe: {
    features: ['subscribe', 'multi-subscribe', 'leased-subscription', 'subscription-notifications'],
    isAnsweredAtOnce: true,
    handle(pubsub, asker, { node, jid, options: form }) {
      const wanted = form && readOptions(form)
      const { subscription, options, notices } = pubsub.subscribe(asker, { node, jid, options: wanted })
      const answer = { ...toSubscription(subscription), options: 'supported' as const }
      // XEP-0060 §6.3.7
      const told = wanted && buildOptionsForm(options, 'result', pubsub.node(node).kind)
      return { answer: { subscription: answer, options: told }, notices }
    },
  },
  unsubscribe: {
    features: ['subscribe'],
    isAnsweredAtOnce: true,
    handle(pubsub, asker, request) {
      const { subscription, notices } = pubsub.unsubscribe(asker, request)
      return { answer: { subscription: toSubscription(subscription) }, notices }
    },
  },
  'get-options': {
    features: ['subscription-options'],
    handle(pubsub, asker, request) {
      const { node, subscription, options } = pubsub.options(asker, request)
      const { jid, subid } = subscription
      return { answer: { node: node.name, jid, subid, options: buildOptionsForm(options, 'form', node.kind) } }
    },
  },
  'set-options': {
    features: ['subscription-options'],
    isAnsweredAtOnce: true,
    handle(pubsub, asker, { options, ...subscriber }) {
      if (options.type === 'cancel') {
        pubsub.options(asker, subscriber)
        return { answer: {} }
      }
      const { notices } = pubsub.setOptions(asker, subscriber, readOptions(options))
      return { answer: {}, notices }
    },
  },
  'get-default-options': {
    features: ['retrieve-default-sub'],
    handle(pubsub, _asker, { node }) {
      const kind = node === undefined ? 'leaf' : pubsub.node(node).kind
      return { answer: { node, options: buildOptionsForm(pubsub.defaultOptions, 'form', kind) } }
    },
  },
  'get-subscriptions': {
    features: ['retrieve-subscriptions'],
    handle(pubsub, asker, { node, page }) {
      if (node !== undefined) return { answer: { node, subscriptions: pubsub.subscriptions(asker, { node }).found.map(toSubscription) } }
      const part = pubsub.subscriptions(asker, { page })
      return { answer: { subscriptions: part.found.map(toSubscription), page: pageOf(part, page) } }
    },
  },
  'get-affiliations': {
    features: ['retrieve-affiliations'],
    handle(pubsub, asker, { node, page }) {
      if (node !== undefined) return { answer: { node, affiliations: pubsub.affiliations(asker, { node }).found } }
      const part = pubsub.affiliations(asker, { page })
      return { answer: { affiliations: part.found, page: pageOf(part, page) } }
    },
  },
}
