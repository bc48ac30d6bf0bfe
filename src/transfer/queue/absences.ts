import { type BytestreamError, bareJid, type Clock, StanzaError } from '../../core/index.ts'
import { BackOff } from '../../session/index.ts'
import type { QueueEntry } from './entry.ts'

/** Milliseconds for which a receiver that is not there is waited for. */
export const ABSENT_MS_MAX = 86_400_000
/** Milliseconds between two looks for it: the first, and the longest. */
const looks = { firstMs: 30_000, retryMsMax: 600_000 }

/** Whether somebody failed to be there, and nothing else was wrong. */
export function isAbsence(error: BytestreamError): boolean {
  if (error instanceof StanzaError) return error.stanzaError.type === 'wait' || error.absence === 'for now'
  return error.code === 'ERR_NO_RESOURCE'
}

/** Of an entry, what it takes to know whom it needs, and what that has to be able to do. */
type Sought = Pick<QueueEntry, 'to' | 'options'>

const keyOf = ({ to, options: { negotiation = 'auto', method = 'auto' } }: Sought) => `${to}\n${negotiation}\n${method}`

interface Absence {
  readonly to: string
  /** Of the clock, less what we were offline ourselves. */
  sinceMs: number
  /** When it was given up. */
  givenUpMs: number | undefined
  readonly backOff: BackOff
  looks: number
  /** Milliseconds of the clock at which it is looked for again; `undefined` while that goes on. */
  nextMs: number | undefined
  /** Whether its presence has cut this wait short already: once is enough for one that can take nothing all the same. */
  isHeard: boolean
  cancel(): void
}

/** Somebody is not there, and what is queued for them waits. */
export interface Absent {
  readonly to: string
  readonly error: BytestreamError
  /** Milliseconds until the next look, unless they show their presence before. */
  readonly retryMs: number
  /** How often they were looked for, from 1. */
  readonly look: number
}

/**
 * Receivers that are not there, and when they are looked for again: after a while, which doubles from one look to the next, and at
 * once when they show their presence (RFC 6121 §4.6), as our receivers do to those they expect.
 */
export class Absences implements Disposable {
  readonly #clock: Clock
  readonly #msMax: number
  readonly #onLook: () => void
  readonly #absences = new Map<string, Absence>()
  #offlineSinceMs: number | undefined

  /** @param onLook somebody is no longer to be waited for */
  constructor(clock: Clock, msMax: number, onLook: () => void) {
    this.#clock = clock
    this.#msMax = msMax
    this.#onLook = onLook
  }

  /** Whether there is no use in trying it now. */
  has(sought: Sought): boolean {
    return this.#absences.get(keyOf(sought))?.nextMs !== undefined
  }

  /**
   * It was not there. What was queued before it was given up is given up with it; for what comes later it is waited for anew.
   *
   * @param queuedMs when it was handed over to be sent, by the clock
   * @returns nothing when it was waited for long enough
   */
  note(sought: Sought, queuedMs = this.#clock.now()): Pick<Absent, 'retryMs' | 'look'> | undefined {
    const key = keyOf(sought)
    const nowMs = this.#clock.now()
    const known = this.#absences.get(key)
    if (known?.givenUpMs !== undefined && queuedMs <= known.givenUpMs) return undefined
    const absence: Absence = known && known.givenUpMs === undefined ? known : newAbsence(sought.to, nowMs)
    // Of several that were tried at once, the first has said it.
    if (absence.nextMs !== undefined) return { retryMs: absence.nextMs - nowMs, look: absence.looks }
    const leftMs = this.#msMax - (nowMs - absence.sinceMs)
    this.#absences.set(key, absence)
    if (leftMs <= 0) {
      absence.givenUpMs = nowMs
      return undefined
    }
    const retryMs = Math.min(absence.backOff.next(), leftMs)
    absence.looks += 1
    absence.nextMs = nowMs + retryMs
    absence.cancel = this.#clock.after(retryMs, () => {
      absence.isHeard = false
      this.#look(absence)
    })
    return { retryMs, look: absence.looks }
  }

  /** It is there. */
  forget(sought: Sought): void {
    this.#absences.get(keyOf(sought))?.cancel()
    this.#absences.delete(keyOf(sought))
  }

  /** We cannot look for anybody: that is no time for which somebody is waited for. */
  pause(): void {
    this.#offlineSinceMs ??= this.#clock.now()
  }

  /** We can again. */
  resume(): void {
    if (this.#offlineSinceMs === undefined) return
    for (const absence of this.#absences.values()) absence.sinceMs += this.#clock.now() - this.#offlineSinceMs
    this.#offlineSinceMs = undefined
  }

  /** Somebody has shown its presence. @param from full JID */
  hear(from: string): void {
    for (const absence of this.#absences.values()) {
      if (absence.isHeard || absence.nextMs === undefined || (absence.to !== from && absence.to !== bareJid(from))) continue
      absence.isHeard = true
      absence.cancel()
      this.#look(absence)
    }
  }

  #look(absence: Absence): void {
    absence.nextMs = undefined
    this.#onLook()
  }

  [Symbol.dispose](): void {
    for (const absence of this.#absences.values()) absence.cancel()
    this.#absences.clear()
  }
}

function newAbsence(to: string, sinceMs: number): Absence {
  return { to, sinceMs, givenUpMs: undefined, backOff: new BackOff(looks), looks: 0, nextMs: undefined, isHeard: false, cancel: () => {} }
}
