import type { Pubsub, QueueEntry } from '../../pubsub/index.ts'
import { type Consumer, chooseConsumer } from './consumers.ts'
import type { DeliveryForms } from './delivery-forms.ts'
import { type Crew, type Lane, WINDOW } from './lane.ts'

/** Messages of one account while others wait. */
const SHARE = 16
/** Milliseconds from which on a message comes late. */
const LATE_MS = 10_000
/** Milliseconds for an acknowledgement to come, the first time; they double with each. */
const ACKNOWLEDGEMENT_MS = 300_000
const ACKNOWLEDGEMENT_MS_MAX = 21_600_000
/** Milliseconds for a receipt: clients send them at once. */
const RECEIPT_MS_MAX = 120_000
/** Milliseconds for an error to come back. */
const ERROR_MS_MAX = 300_000

export interface HandOverComponents {
  /** Borrowed. */
  readonly pubsub: Pubsub
  /** Borrowed. */
  readonly forms: DeliveryForms
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A message that was handed to somebody. */
export interface Handed {
  readonly account: string
  readonly messageId: number
  readonly consumer: Consumer
}

/** What an account gets on its turn, and whether there is more: `unknown` until its rosters have been asked. */
export interface Share {
  readonly text: string
  readonly handed: readonly Handed[]
  readonly rest: 'none' | 'more' | 'unknown'
}

/** What is next for an account, behind what was looked at already. */
export interface Next {
  readonly entries: readonly QueueEntry[]
  /** Fewer were found: there are no more. */
  readonly limit: number
}

export function nextFor({ pubsub, now }: HandOverComponents, lane: Lane): Next {
  // Where all acknowledge, what there is no room for need not be read.
  const limit = lane.crew?.consumers.every(isWatched) ? Math.min(SHARE, roomIn(pubsub, lane)) : SHARE
  const entries = limit === 0 ? [] : pubsub.queues.next(lane.account, { after: lane.lookedAt, limit, nowMs: now() })
  return { entries, limit }
}

/**
 * Takes what is next for an account, each message for one of those who are there, and has it kept that it was handed over. Nothing may
 * be sent before that is durable. Where it cannot be kept, all is as before.
 */
export function takeShare({ pubsub, forms, now }: HandOverComponents, turn: Next & { readonly lane: Lane; readonly crew: Crew }): Share {
  const { lane, crew, entries, limit } = turn
  const nowMs = now()
  const handed: Handed[] = []
  let [text, room] = ['', roomIn(pubsub, lane)]
  let { lookedAt, hasPassedOver } = lane
  const end = (rest: Share['rest']): Share => {
    lane.lookedAt = lookedAt
    lane.hasPassedOver = hasPassedOver
    for (const { messageId, consumer } of handed) if (isWatched(consumer)) lane.held.set(messageId, consumer)
    return { text, handed, rest }
  }
  for (const entry of entries) {
    const { message } = entry
    const mayHear = mayBeTold(pubsub, lane, entry)
    if (mayHear === undefined) return end('unknown')
    const form = forms.of(message)
    const consumer = mayHear ? chooseConsumer(crew.consumers, { ...entry, announcement: form.announcement }) : undefined
    if (consumer) {
      const { acknowledges, reads } = consumer.abilities
      const awaits = isWatched(consumer) ? 'acknowledgement' : 'error'
      if (awaits === 'acknowledgement' && room === 0) return end('none')
      if (pubsub.queues.handed(entry, { to: consumer.jid, awaits, untilMs: nowMs + waitMs(consumer, entry) })) {
        if (awaits === 'acknowledgement') room -= 1
        text += form.write(consumer.jid, { reads, acknowledges, isLate: nowMs - message.publishedMs >= LATE_MS, hasAmp: crew.hasAmp })
        handed.push({ account: lane.account, messageId: message.id, consumer })
      }
    } else hasPassedOver = true
    lookedAt = message.id
  }
  return end(entries.length < limit ? 'none' : 'more')
}

const isWatched = ({ abilities: { acknowledges } }: Consumer) => acknowledges !== 'not'

/** What was replaced, withdrawn or is over meanwhile is not waited for: nobody may ever acknowledge it. @returns messages */
function roomIn(pubsub: Pubsub, { account, held, isFull }: Lane): number {
  if (!isFull) return WINDOW - held.size
  for (const messageId of held.keys()) {
    if (!pubsub.queues.isUnacknowledged(account, messageId)) held.delete(messageId)
  }
  return WINDOW - held.size
}

/** @returns `undefined` where rosters have to be asked first */
function mayBeTold(pubsub: Pubsub, lane: Lane, entry: QueueEntry): boolean | undefined {
  const { node } = entry.message
  if (pubsub.rostersFor({ jid: lane.account }, node).length === 0) return true
  const contacts = lane.contacts.get(node)
  return contacts && pubsub.queues.mayHear(entry, contacts)
}

function waitMs({ abilities: { acknowledges } }: Consumer, { attempts }: QueueEntry): number {
  if (acknowledges === 'not') return ERROR_MS_MAX
  if (acknowledges === 'by receipt') return RECEIPT_MS_MAX
  return Math.min(ACKNOWLEDGEMENT_MS * 2 ** attempts, ACKNOWLEDGEMENT_MS_MAX)
}
