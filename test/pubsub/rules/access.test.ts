// Goal: every access model answers every affiliation as XEP-0060 §4.5, §6.1.3, §6.5.1 and §12.12 have it.
// Method: all cells of affiliation x model x what else decides, against tables written from the clauses.

import test from 'ava'
import type { AccessModel, Affiliation, Contact, PublishModel } from '../../../src/pubsub/index.ts'
import { mayReceive, mayRetrieve, maySubscribe } from '../../../src/pubsub/rules/access.ts'
import { mayPublish, mayRetract } from '../../../src/pubsub/rules/publishing.ts'

const affiliations: readonly Affiliation[] = ['owner', 'publisher', 'publish-only', 'member', 'none', 'outcast']
const models: readonly AccessModel[] = ['open', 'presence', 'roster', 'authorize', 'whitelist']
const subscriptions: readonly Contact['subscription'][] = ['none', 'to', 'from', 'both']
const groups = [[], ['enemies'], ['enemies', 'friends']]

/** What is said to somebody without an affiliation. */
const refusals = {
  presence: 'ERR_PUBSUB_PRESENCE_REQUIRED',
  roster: 'ERR_PUBSUB_NOT_IN_GROUP',
  whitelist: 'ERR_PUBSUB_CLOSED_NODE',
} as const

function isLetIn(model: AccessModel, { subscription, groups }: Contact): boolean {
  const sharesPresence = subscription === 'from' || subscription === 'both'
  if (model === 'open') return true
  if (model === 'presence') return sharesPresence
  return model === 'roster' && sharesPresence && groups.includes('friends')
}

for (const affiliation of affiliations) {
  for (const model of models) {
    test(`${affiliation} at a node that is ${model}`, (t) => {
      for (const subscription of subscriptions) {
        for (const groupsOf of groups) {
          for (const isSubscribed of [false, true]) {
            const contact = { subscription, groups: groupsOf }
            const question = {
              affiliation,
              model,
              rosterGroups: ['friends', 'family'],
              contacts: [contact],
              isSubscribed: () => isSubscribed,
            }
            const [subscribe, retrieve] = [maySubscribe(question), mayRetrieve(question)]
            if (['owner', 'publisher', 'member'].includes(affiliation)) {
              t.deepEqual([subscribe, retrieve], ['yes', 'yes'])
            } else if (affiliation !== 'none') {
              t.deepEqual([subscribe, retrieve], ['ERR_FORBIDDEN', 'ERR_FORBIDDEN'])
            } else if (model === 'authorize') {
              t.deepEqual([subscribe, retrieve], ['pending', isSubscribed ? 'yes' : 'ERR_PUBSUB_SUBSCRIBERS_ONLY'])
            } else {
              const expected = isLetIn(model, contact) ? 'yes' : refusals[model as keyof typeof refusals]
              t.deepEqual([subscribe, retrieve], [expected, expected])
            }
          }
        }
      }
    })
  }

  test(`${affiliation} is sent what a node publishes, or is not`, (t) => {
    for (const model of models) {
      const expected = ['owner', 'publisher', 'member'].includes(affiliation) || (affiliation === 'none' && model !== 'whitelist')
      t.is(mayReceive(affiliation, model), expected)
    }
  })
}

test('one of several owners is enough to know somebody', (t) => {
  const question = { affiliation: 'none', model: 'presence', rosterGroups: [], isSubscribed: () => false } as const
  t.is(maySubscribe({ ...question, contacts: [] }), 'ERR_PUBSUB_PRESENCE_REQUIRED')
  t.is(
    maySubscribe({
      ...question,
      contacts: [
        { subscription: 'none', groups: [] },
        { subscription: 'from', groups: [] },
      ],
    }),
    'yes',
  )
})

const publishModels: readonly PublishModel[] = ['publishers', 'subscribers', 'open']
for (const affiliation of affiliations) {
  for (const model of publishModels) {
    for (const isSubscribed of [false, true]) {
      test(`${affiliation}, ${isSubscribed ? '' : 'not '}subscribed, publishes where ${model} may, or does not`, (t) => {
        const always = ['owner', 'publisher', 'publish-only'].includes(affiliation)
        const byModel = ['member', 'none'].includes(affiliation) && (model === 'open' || (model === 'subscribers' && isSubscribed))
        t.is(
          mayPublish(affiliation, model, () => isSubscribed),
          always || byModel,
        )
        const whose = affiliation === 'owner' ? 'yes' : always || byModel ? 'own' : 'no'
        t.is(
          mayRetract(affiliation, model, () => isSubscribed),
          whose,
        )
      })
    }
  }
}
