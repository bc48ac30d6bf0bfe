// Goal: the table is total, keeps its promises whatever comes, and agrees in the end with a contact's server that follows RFC 6121.

import test from 'ava'
import fc from 'fast-check'
import { type ContactState, type Happening, stranger, transition, type Word } from '../../../src/pubsub/presence/transitions.ts'

const happenings: readonly Happening[] = [
  'available',
  'unavailable',
  'probe',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'error',
  'letIn',
  'ended',
]

const NONE = stranger
const PENDING: ContactState = { theirs: 'pending', ours: 'none' }
const FROM: ContactState = { theirs: 'subscribed', ours: 'none' }
const ASKED: ContactState = { theirs: 'subscribed', ours: 'asked' }
const BOTH: ContactState = { theirs: 'subscribed', ours: 'granted' }

const states = { None: NONE, 'None + Pending In': PENDING, From: FROM, 'From + Pending Out': ASKED, Both: BOTH } as const
const nameOf = ({ theirs, ours }: ContactState) =>
  Object.entries(states).find(([, state]) => state.theirs === theirs && state.ours === ours)?.[0] ?? `${theirs}, ${ours}`

/** Next state, what is said, what is done. */
const told = (state: ContactState, happening: Happening): string => {
  const { to, say, act } = transition(state, happening)
  return [nameOf(to), say.join(' '), act ?? ''].join(' | ')
}

const table: Readonly<Record<keyof typeof states, Readonly<Record<Happening, string>>>> = {
  None: {
    available: 'None |  | appear',
    unavailable: 'None |  | vanish',
    probe: 'None | unsubscribed | ',
    subscribe: 'None + Pending In |  | decide',
    subscribed: 'None |  | ',
    unsubscribe: 'None |  | ',
    unsubscribed: 'None |  | ',
    error: 'None |  | vanish',
    letIn: 'None |  | ',
    ended: 'None |  | ',
  },
  'None + Pending In': {
    available: 'None + Pending In |  | appear',
    unavailable: 'None + Pending In |  | vanish',
    probe: 'None + Pending In |  | ',
    subscribe: 'None + Pending In |  | decide',
    subscribed: 'None + Pending In |  | ',
    unsubscribe: 'None |  | end',
    unsubscribed: 'None + Pending In |  | ',
    error: 'None + Pending In |  | vanish',
    letIn: 'From + Pending Out | subscribed available subscribe | ',
    ended: 'None | unsubscribed | ',
  },
  From: {
    available: 'From |  | appear',
    unavailable: 'From |  | vanish',
    probe: 'From | available | appear',
    subscribe: 'From + Pending Out | subscribed available subscribe | ',
    subscribed: 'From |  | ',
    unsubscribe: 'None | unavailable | end',
    unsubscribed: 'From |  | ',
    error: 'From |  | vanish',
    letIn: 'From |  | ',
    ended: 'None | unsubscribed unavailable | ',
  },
  'From + Pending Out': {
    available: 'From + Pending Out |  | appear',
    unavailable: 'From + Pending Out |  | vanish',
    probe: 'From + Pending Out | available | appear',
    subscribe: 'From + Pending Out | subscribed available | ',
    subscribed: 'Both |  | ',
    unsubscribe: 'None | unavailable unsubscribe | end',
    unsubscribed: 'From |  | ',
    error: 'From + Pending Out |  | vanish',
    letIn: 'From + Pending Out |  | ',
    ended: 'None | unsubscribed unavailable unsubscribe | ',
  },
  Both: {
    available: 'Both |  | appear',
    unavailable: 'Both |  | vanish',
    probe: 'Both | available | appear',
    subscribe: 'Both | subscribed available | ',
    subscribed: 'Both |  | ',
    unsubscribe: 'None | unavailable unsubscribe | end',
    unsubscribed: 'From |  | ',
    error: 'Both |  | vanish',
    letIn: 'Both |  | ',
    ended: 'None | unsubscribed unavailable unsubscribe | ',
  },
}

for (const [name, state] of Object.entries(states)) {
  test(`${name}: each of the eight packets, and what is decided, has its place in the table`, (t) => {
    const found = Object.fromEntries(happenings.map((happening) => [happening, told(state, happening)]))
    t.deepEqual(found, table[name as keyof typeof states])
  })
}

test('whatever happens, it stays one of five states, and nobody has our presence who is not subscribed', (t) => {
  const run = fc.property(fc.array(fc.constantFrom(...happenings)), (happened) => {
    let state: ContactState = stranger
    for (const happening of happened) {
      const before = state
      const { to, say, act } = transition(before, happening)
      if (!(nameOf(to) in states)) return false
      if (say.includes('available') && to.theirs !== 'subscribed') return false
      if (say.includes('subscribe') && to.theirs !== 'subscribed') return false
      if (act === 'end' && before.theirs === 'none') return false
      // Only who decides here lets anybody in.
      if (to.theirs === 'subscribed' && before.theirs !== 'subscribed' && happening !== 'letIn') return false
      if (to.ours === 'granted' && before.ours !== 'granted' && happening !== 'subscribed') return false
      state = to
    }
    return true
  })
  t.notThrows(() => fc.assert(run))
})

/** A contact's server, as RFC 6121 A.3 has it: what its roster says of the feed, and what its user does. */
class RosterItem {
  /** Its user is subscribed to the feed. */
  to: 'none' | 'asked' | 'subscribed' = 'none'
  /** The feed has its user's presence. */
  from: 'none' | 'pending' | 'subscribed' = 'none'

  /** @returns what its server sends */
  hears(word: Word): readonly Happening[] {
    if (word === 'subscribe' && this.from === 'subscribed') return ['subscribed']
    if (word === 'subscribe') this.from = 'pending'
    if (word === 'subscribed' && this.to === 'asked') this.to = 'subscribed'
    if (word === 'unsubscribed') this.to = 'none'
    if (word === 'unsubscribe') this.from = 'none'
    return []
  }

  /** @returns what its server sends */
  does(deed: 'add' | 'remove' | 'allow' | 'refuse'): readonly Happening[] {
    if (deed === 'add' && this.to === 'none') {
      this.to = 'asked'
      return ['subscribe']
    }
    if (deed === 'remove' && this.to !== 'none') {
      this.to = 'none'
      return ['unsubscribe']
    }
    if (deed === 'allow' && this.from === 'pending') {
      this.from = 'subscribed'
      return ['subscribed', 'available']
    }
    if (deed === 'refuse' && this.from !== 'none') {
      this.from = 'none'
      return ['unsubscribed']
    }
    return []
  }
}

const deeds = ['add', 'remove', 'allow', 'refuse', 'let in', 'put out'] as const

test('whatever crosses on its way, feed and contact agree once the contact has logged in again', (t) => {
  const run = fc.property(fc.array(fc.tuple(fc.constantFrom(...deeds), fc.boolean())), (happened) => {
    const contact = new RosterItem()
    let feed: ContactState = stranger
    const toFeed: Happening[] = []
    const toContact: Word[] = []
    const happens = (happening: Happening) => {
      const { to, say } = transition(feed, happening)
      feed = to
      toContact.push(...say)
    }
    const settle = () => {
      for (let said = 0; toFeed.length > 0 || toContact.length > 0; said++) {
        if (said > 100) throw new Error('they never end')
        const heard = toFeed.shift()
        if (heard) happens(heard)
        const word = toContact.shift()
        if (word) toFeed.push(...contact.hears(word))
      }
    }
    for (const [deed, isHeard] of happened) {
      if (deed === 'let in') happens('letIn')
      else if (deed === 'put out') happens('ended')
      else toFeed.push(...contact.does(deed))
      if (isHeard) settle()
    }
    settle()
    // What crosses on its way may leave one side wrong, until it logs in again, and its server asks.
    if (feed.theirs === 'pending') happens('letIn')
    settle()
    if (contact.to === 'subscribed') toFeed.push('probe')
    if (contact.to === 'asked') toFeed.push('subscribe')
    settle()
    if (feed.theirs === 'pending') happens('letIn')
    settle()
    const isAgreed = contact.to === 'none' || (contact.to === 'subscribed') === (feed.theirs === 'subscribed')
    return isAgreed && (feed.ours !== 'granted' || contact.from === 'subscribed')
  })
  t.notThrows(() => fc.assert(run, { numRuns: 2000 }))
})
