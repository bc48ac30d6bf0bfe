import test from 'ava'
import fc from 'fast-check'
import {
  inbound,
  noSubscription,
  outbound,
  SUBSCRIPTION_TYPES,
  type Subscription,
  subscriptionName,
} from '../../src/embedded/subscription.ts'

// RFC 6121 appendix A: the states by its names, and what each step makes of them. "-": the stanza goes no further.
const states = {
  None: {},
  'None + Pending Out': { isAsking: true },
  'None + Pending In': { isAsked: true },
  'None + Pending Out+In': { isAsking: true, isAsked: true },
  To: { to: true },
  'To + Pending In': { to: true, isAsked: true },
  From: { from: true },
  'From + Pending Out': { from: true, isAsking: true },
  Both: { to: true, from: true },
} as const satisfies Record<string, Partial<Subscription>>

type Name = keyof typeof states
const stateOf = (name: Name): Subscription => ({ ...noSubscription, ...states[name] })
const nameOf = (state: Subscription | undefined) =>
  (Object.keys(states) as Name[]).find((name) => JSON.stringify(stateOf(name)) === JSON.stringify(state))
const sorted = ({ to, from, isAsking, isAsked }: Subscription) => ({ to, from, isAsking, isAsked })

const tables = {
  outbound: {
    subscribe: [
      'None + Pending Out',
      'None + Pending Out',
      'None + Pending Out+In',
      'None + Pending Out+In',
      'To',
      'To + Pending In',
      'From + Pending Out',
      'From + Pending Out',
      'Both',
    ],
    unsubscribe: ['-', 'None', '-', 'None + Pending In', 'None', 'None + Pending In', '-', 'From', 'From'],
    subscribed: ['-', '-', 'From', 'From + Pending Out', '-', 'Both', '-', '-', '-'],
    unsubscribed: ['-', '-', 'None', 'None + Pending Out', '-', 'To', 'None', 'None + Pending Out', 'To'],
  },
  inbound: {
    subscribe: ['None + Pending In', 'None + Pending Out+In', '-', '-', 'To + Pending In', '-', '-', '-', '-'],
    unsubscribe: ['-', '-', 'None', 'None + Pending Out', '-', 'To', 'None', 'None + Pending Out', 'To'],
    subscribed: ['-', 'To', '-', 'To + Pending In', '-', '-', '-', 'Both', '-'],
    unsubscribed: ['-', 'None', '-', 'None + Pending In', 'None', 'None + Pending In', '-', 'From', 'From'],
  },
} as const

for (const [direction, steps] of [
  ['outbound', outbound],
  ['inbound', inbound],
] as const) {
  for (const type of SUBSCRIPTION_TYPES) {
    test(`${direction} ${type} does to each state what RFC 6121 appendix A says`, (t) => {
      const names = Object.keys(states) as Name[]
      const after = names.map((name) => steps[type](stateOf(name))).map((state) => (state ? (nameOf(sorted(state)) ?? 'no state') : '-'))
      t.deepEqual(after, [...tables[direction][type]])
    })
  }
}

test('two accounts agree after any conversation whose stanzas all arrive', (t) => {
  const step = fc.record({ isRomeo: fc.boolean(), type: fc.constantFrom(...SUBSCRIPTION_TYPES) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (conversation) => {
      const sides = { romeo: noSubscription, juliet: noSubscription }
      for (const { isRomeo, type } of conversation) {
        const [sender, receiver] = isRomeo ? (['romeo', 'juliet'] as const) : (['juliet', 'romeo'] as const)
        const sent = outbound[type](sides[sender])
        if (!sent) continue
        sides[sender] = sent
        sides[receiver] = inbound[type](sides[receiver]) ?? sides[receiver]
      }
      const { romeo, juliet } = sides
      return romeo.to === juliet.from && romeo.from === juliet.to
    }),
  )
  t.pass()
})

test('the roster has four words for it (RFC 6121 §2.1.2.5)', (t) => {
  t.deepEqual(
    (Object.keys(states) as Name[]).map((name) => subscriptionName(stateOf(name))),
    ['none', 'none', 'none', 'none', 'to', 'to', 'from', 'from', 'both'],
  )
})
