import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, chosenAttribute } from './bounded.ts'
import { buildForm, type DataForm, parseSubmission } from './data-forms.ts'
import { attribute, type Element, xml } from './element.ts'
import {
  buildAffiliation,
  buildSubscription,
  type PubsubAccountAffiliation,
  type PubsubRequestCodec,
  type PubsubSubscriptionState,
  pubsubForms,
  requestedAffiliation,
  requestedState,
  requiredJid,
  requiredNode,
} from './pubsub.ts'
import { checkEntries } from './pubsub-entity-requests.ts'

/** A subscription as its node's owner changes it. */
export interface PubsubAccountSubscription {
  readonly jid: string
  readonly state: PubsubSubscriptionState
  readonly subid?: string | undefined
}

interface OfNode {
  readonly node: string
}

/** What the owner of a node may ask (XEP-0060 §8), in the namespace `http://jabber.org/protocol/pubsub#owner`. */
export interface PubsubOwnerRequests {
  readonly 'get-config': OfNode
  /** A form that is cancelled changes nothing. */
  readonly 'set-config': OfNode & { readonly config: DataForm }
  readonly 'get-default-config': { readonly kind: 'leaf' | 'collection' }
  readonly delete: OfNode & { readonly redirect?: string | undefined }
  readonly purge: OfNode
  readonly 'get-node-subscriptions': OfNode
  readonly 'set-node-subscriptions': OfNode & { readonly subscriptions: readonly PubsubAccountSubscription[] }
  readonly 'get-node-affiliations': OfNode
  readonly 'set-node-affiliations': OfNode & { readonly affiliations: readonly PubsubAccountAffiliation[] }
}

const ofNode = (type: 'get' | 'set', name: string): PubsubRequestCodec<OfNode> => ({
  type,
  name,
  build: ({ node }) => [xml(name, { node })],
  parse: (element) => ({ node: requiredNode(element) }),
})

/** @throws BytestreamError `ERR_BAD_REQUEST` for a redirection to nowhere */
function redirectOf(element: Element): string | undefined {
  const redirect = element.getChild('redirect', element.getNS())
  const uri = redirect && boundedAttribute(redirect, 'uri')
  if (redirect && !uri) throw new BytestreamError('ERR_BAD_REQUEST', 'the redirection has no uri')
  return uri
}

export const ownerRequests: { readonly [A in keyof PubsubOwnerRequests]: PubsubRequestCodec<PubsubOwnerRequests[A]> } = {
  'get-config': ofNode('get', 'configure'),
  'set-config': {
    type: 'set',
    name: 'configure',
    build: ({ node, config }) => [xml('configure', { node }, buildForm(config))],
    parse: (configure) => {
      const node = requiredNode(configure)
      const config = parseSubmission(configure, pubsubForms.nodeConfig)
      if (!config) throw new BytestreamError('ERR_BAD_REQUEST', 'there is no configuration')
      return { node, config }
    },
  },
  'get-default-config': {
    type: 'get',
    name: 'default',
    build: ({ kind }) => [xml('default', { type: kind === 'leaf' ? undefined : kind })],
    parse: (element) => ({ kind: chosenAttribute(element, 'type', ['leaf', 'collection']) ?? 'leaf' }),
  },
  delete: {
    type: 'set',
    name: 'delete',
    build: ({ node, redirect }) => [xml('delete', { node }, redirect ? xml('redirect', { uri: redirect }) : undefined)],
    parse: (element) => ({ node: requiredNode(element), redirect: redirectOf(element) }),
  },
  purge: ofNode('set', 'purge'),
  'get-node-subscriptions': ofNode('get', 'subscriptions'),
  'set-node-subscriptions': {
    type: 'set',
    name: 'subscriptions',
    build: ({ node, subscriptions }) => [xml('subscriptions', { node }, ...subscriptions.map(buildSubscription))],
    parse: (list) => {
      const node = requiredNode(list)
      const elements = list.getChildren('subscription', list.getNS())
      checkEntries(elements.map((one) => `${attribute(one, 'jid')} ${attribute(one, 'subid')}`))
      const subscriptions = elements.flatMap((element) => {
        const [jid, state, subid] = [requiredJid(element), requestedState(element), boundedAttribute(element, 'subid')]
        return state ? [{ jid, state, subid }] : []
      })
      return { node, subscriptions }
    },
  },
  'get-node-affiliations': ofNode('get', 'affiliations'),
  'set-node-affiliations': {
    type: 'set',
    name: 'affiliations',
    build: ({ node, affiliations }) => [xml('affiliations', { node }, ...affiliations.map(buildAffiliation))],
    parse: (list) => {
      const node = requiredNode(list)
      const elements = list.getChildren('affiliation', list.getNS())
      checkEntries(elements.map((one) => `${attribute(one, 'jid')}`))
      const affiliations = elements.flatMap((element) => {
        const [jid, affiliation] = [requiredJid(element), requestedAffiliation(element)]
        return affiliation ? [{ jid, affiliation }] : []
      })
      return { node, affiliations }
    },
  },
}
