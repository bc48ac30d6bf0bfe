import type { Pubsub, QueueEntry } from '../../pubsub/index.ts'
import { type Consumer, chooseConsumer } from './consumers.ts'
import type { DeliveryForms } from './delivery-forms.ts'
import type { Crew, Lane } from './lane.ts'

/** Messages that an account has not acknowledged, at the most. */
const WINDOW = 16
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

/** How many of an account's messages have to be looked at to find a share of those that can be taken. */
export const lookedAt = ({ skipped }: Lane): number => SHARE + skipped.size

/**
 * Takes what is next for an account, each message for one of those who are there, and has it kept that it was handed over. Nothing may
 * be sent before that is durable.
 */
export function takeShare({ pubsub, forms, now }: HandOverComponents, lane: Lane, crew: Crew): Share {
  const nowMs = now()
  const limit = lookedAt(lane)
  const entries = pubsub.queues.next(lane.account, { limit, nowMs })
  const handed: Handed[] = []
  let text = ''
  for (const entry of entries) {
    const { message } = entry
    if (lane.skipped.has(message.id)) continue
    const mayHear = mayBeTold(pubsub, lane, entry)
    if (mayHear === undefined) return { text, handed, rest: 'unknown' }
    const form = forms.of(message)
    const consumer = mayHear ? chooseConsumer(crew.consumers, { ...entry, announcement: form.announcement }) : undefined
    if (!consumer) {
      lane.skipped.add(message.id)
      continue
    }
    const { acknowledges, reads } = consumer.abilities
    const isWatched = acknowledges !== 'not'
    if (isWatched && isFull(pubsub, lane)) return { text, handed, rest: 'none' }
    const awaited = { to: consumer.jid, awaits: isWatched ? 'acknowledgement' : 'error', untilMs: nowMs + waitMs(consumer, entry) } as const
    if (!pubsub.queues.handed(entry, awaited)) continue
    if (isWatched) lane.held.set(message.id, consumer)
    text += form.write(consumer.jid, { reads, acknowledges, isLate: nowMs - message.publishedMs >= LATE_MS, hasAmp: crew.hasAmp })
    handed.push({ account: lane.account, messageId: message.id, consumer })
  }
  return { text, handed, rest: entries.length < limit ? 'none' : 'more' }
}

/** What was replaced, withdrawn or is over meanwhile is not waited for: nobody may ever acknowledge it. */
function isFull(pubsub: Pubsub, { account, held }: Lane): boolean {
  if (held.size < WINDOW) return false
  for (const messageId of held.keys()) {
    if (!pubsub.queues.isUnacknowledged(account, messageId)) held.delete(messageId)
  }
  return held.size >= WINDOW
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
