/** The contact's subscription to the feed, as it has been told by presence. */
export type Theirs = 'none' | 'pending' | 'subscribed'
/** The feed's subscription to the contact's presence. */
export type Ours = 'none' | 'asked' | 'granted'

/**
 * What a feed and a contact are to each other (RFC 6121 A.1): of the nine states of the RFC, in its words, a feed knows None, None +
 * Pending In, From, From + Pending Out and Both, since it asks only whom it has let in.
 */
export interface ContactState {
  readonly theirs: Theirs
  readonly ours: Ours
}

/** A presence stanza from the contact, by its type (RFC 6121 §4.7.1). */
type Packet = 'available' | 'unavailable' | 'probe' | 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed' | 'error'

/** What happens to a contact: what comes from it, and what is decided here: it is let in, or it is not subscribed any more. */
export type Happening = Packet | 'letIn' | 'ended'

/** What the feed tells the contact by presence. */
export type Word = 'available' | 'unavailable' | 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed'

/**
 * What else is to be done: `decide` whether it may subscribe; `end` its subscription; the resource has shown that it is there
 * (`appear`), or that it is gone (`vanish`).
 */
type Act = 'decide' | 'end' | 'appear' | 'vanish'

interface Step<State> {
  readonly to: State
  readonly say?: readonly Word[]
  readonly act?: Act
}

type Machine<State extends string, Event extends string> = Readonly<Record<State, Readonly<Record<Event, Step<State>>>>>

/** RFC 6121 §3.1.3, §3.3.3, §4.3.2. */
const theirs: Machine<Theirs, Happening> = {
  none: {
    available: { to: 'none', act: 'appear' },
    unavailable: { to: 'none', act: 'vanish' },
    probe: { to: 'none', say: ['unsubscribed'] },
    subscribe: { to: 'pending', act: 'decide' },
    subscribed: { to: 'none' },
    unsubscribe: { to: 'none' },
    unsubscribed: { to: 'none' },
    error: { to: 'none', act: 'vanish' },
    letIn: { to: 'none' },
    ended: { to: 'none' },
  },
  pending: {
    available: { to: 'pending', act: 'appear' },
    unavailable: { to: 'pending', act: 'vanish' },
    probe: { to: 'pending' },
    subscribe: { to: 'pending', act: 'decide' },
    subscribed: { to: 'pending' },
    unsubscribe: { to: 'none', act: 'end' },
    unsubscribed: { to: 'pending' },
    error: { to: 'pending', act: 'vanish' },
    letIn: { to: 'subscribed', say: ['subscribed', 'available'] },
    ended: { to: 'none', say: ['unsubscribed'] },
  },
  subscribed: {
    available: { to: 'subscribed', act: 'appear' },
    unavailable: { to: 'subscribed', act: 'vanish' },
    probe: { to: 'subscribed', say: ['available'], act: 'appear' },
    subscribe: { to: 'subscribed', say: ['subscribed', 'available'] },
    subscribed: { to: 'subscribed' },
    unsubscribe: { to: 'none', say: ['unavailable'], act: 'end' },
    unsubscribed: { to: 'subscribed' },
    error: { to: 'subscribed', act: 'vanish' },
    letIn: { to: 'subscribed' },
    ended: { to: 'none', say: ['unsubscribed', 'unavailable'] },
  },
}

/**
 * A feed asks whom it tells that it is subscribed (`welcomed`), and takes that back with it. Who refuses is asked again only when it
 * subscribes again; who has not answered is not, or two feeds that subscribe to each other would never end.
 */
const ours: Machine<Ours, Packet | 'welcomed' | 'ended'> = {
  none: {
    available: { to: 'none' },
    unavailable: { to: 'none' },
    probe: { to: 'none' },
    subscribe: { to: 'none' },
    subscribed: { to: 'none' },
    unsubscribe: { to: 'none' },
    unsubscribed: { to: 'none' },
    error: { to: 'none' },
    welcomed: { to: 'asked', say: ['subscribe'] },
    ended: { to: 'none' },
  },
  asked: {
    available: { to: 'asked' },
    unavailable: { to: 'asked' },
    probe: { to: 'asked' },
    subscribe: { to: 'asked' },
    subscribed: { to: 'granted' },
    unsubscribe: { to: 'none', say: ['unsubscribe'] },
    unsubscribed: { to: 'none' },
    error: { to: 'asked' },
    welcomed: { to: 'asked' },
    ended: { to: 'none', say: ['unsubscribe'] },
  },
  granted: {
    available: { to: 'granted' },
    unavailable: { to: 'granted' },
    probe: { to: 'granted' },
    subscribe: { to: 'granted' },
    subscribed: { to: 'granted' },
    unsubscribe: { to: 'none', say: ['unsubscribe'] },
    unsubscribed: { to: 'none' },
    error: { to: 'granted' },
    welcomed: { to: 'granted' },
    ended: { to: 'none', say: ['unsubscribe'] },
  },
}

/** Of whom nothing is known, and of whom nothing is kept. */
export const stranger: ContactState = { theirs: 'none', ours: 'none' }

/** What comes of something that happens to a contact. */
export interface Transition {
  readonly to: ContactState
  /** In this order. */
  readonly say: readonly Word[]
  readonly act: Act | undefined
}

export function transition(from: ContactState, happening: Happening): Transition {
  const their = theirs[from.theirs][happening]
  const event = their.say?.includes('subscribed') ? 'welcomed' : happening
  const our: Step<Ours> = event === 'letIn' ? { to: from.ours } : ours[from.ours][event]
  return { to: { theirs: their.to, ours: our.to }, say: [...(their.say ?? []), ...(our.say ?? [])], act: their.act }
}
