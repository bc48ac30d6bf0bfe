// Queues as slow and obvious as can be: for each account a list, and what was said of each, one after the other.

/** One step; accounts, items and keys by their names. */
export type QueueStep =
  | { readonly op: 'publish'; readonly item: string; readonly key: string | undefined; readonly expiresInMs: number | undefined }
  | { readonly op: 'retract'; readonly item: string }
  | { readonly op: 'hand'; readonly account: string; readonly awaits: 'acknowledgement' | 'error' }
  | { readonly op: 'acknowledge' | 'return' | 'take' | 'leave' | 'redeliver'; readonly account: string }
  | { readonly op: 'subscribe'; readonly account: string; readonly keys: readonly string[] }
  | { readonly op: 'unsubscribe'; readonly account: string }
  | { readonly op: 'pass'; readonly ms: number }

export const QUEUE_BOUNDS = { entriesMax: 4, failuresMax: 2, pauseMs: 100, waitMs: 1000, queueMs: 5000 } as const

interface Entry {
  readonly number: number
  readonly item: string
  readonly isGone: boolean
  readonly untilMs: number
  attempts: number
  failures: number
  notBeforeMs: number
  awaits: 'nothing' | 'acknowledgement' | 'error'
}

interface Letter extends Entry {
  readonly account: string
}

export class NaiveQueues {
  #nowMs = 0
  #numbers = 0
  #published = 0
  readonly #items = new Map<string, { key: string | undefined; untilMs: number | undefined }>()
  readonly #queues = new Map<string, { keys: readonly string[]; entries: Entry[] }>()
  #letters: Letter[] = []

  take(step: QueueStep): void {
    switch (step.op) {
      case 'pass':
        this.#nowMs += step.ms
        return this.#settle()
      case 'publish':
        return this.#publish(step.item, step.key, step.expiresInMs)
      case 'retract':
        if (this.#items.has(step.item)) this.#retract(step.item)
        return
      case 'subscribe':
        if (!this.#queues.has(step.account)) this.#queues.set(step.account, { keys: step.keys, entries: [] })
        return
      case 'unsubscribe':
        this.#letters = this.#letters.filter((each) => each.account !== step.account)
        this.#queues.delete(step.account)
        return
      case 'redeliver': {
        const own = this.#letters.filter((each) => each.account === step.account)
        const letter = own.sort((one, other) => one.number - other.number)[0]
        const waiting = this.#queues.get(step.account)?.entries.length ?? 0
        if (!letter || waiting >= QUEUE_BOUNDS.entriesMax) return
        this.#letters = this.#letters.filter((each) => each !== letter)
        this.#put(step.account, { ...letter, failures: 0, notBeforeMs: 0, awaits: 'nothing' })
        return
      }
      default:
        this.#deliver(step.op, step)
    }
  }

  #deliver(op: string, step: { readonly account: string; readonly awaits?: Entry['awaits'] }): void {
    const entries = this.#queues.get(step.account)?.entries ?? []
    if (op === 'hand') {
      const next = this.#ready(step.account)[0]
      if (next) Object.assign(next, { attempts: next.attempts + 1, awaits: step.awaits, notBeforeMs: this.#nowMs + QUEUE_BOUNDS.waitMs })
      return
    }
    if (op === 'leave') {
      for (const each of entries) if (each.awaits === 'acknowledgement') Object.assign(each, { awaits: 'nothing', notBeforeMs: 0 })
      return
    }
    const handed = entries.find(({ awaits }) => awaits !== 'nothing')
    if (op === 'take') {
      const first = entries.find(({ attempts }) => attempts > 0)
      if (first) this.#drop(step.account, (each) => each.item === first.item && each.attempts > 0)
    } else if (handed && op === 'acknowledge') this.#drop(step.account, (each) => each === handed)
    else if (handed) this.#fail(step.account, handed)
  }

  /** What each account would be handed now, and what was given up. */
  seen(accounts: readonly string[]): unknown {
    const queues = accounts.map((account) => this.#ready(account).map(({ item, isGone }) => (isGone ? `-${item}` : item)))
    return { queues, letters: this.#letters.map(({ account, item }) => `${account} ${item}`).sort() }
  }

  #ready(account: string): Entry[] {
    const all = this.#queues.get(account)?.entries ?? []
    const ready = all.filter((each) => each.awaits === 'nothing' && each.notBeforeMs <= this.#nowMs && each.untilMs > this.#nowMs)
    return ready.sort((one, other) => one.number - other.number)
  }

  #publish(item: string, key: string | undefined, expiresInMs: number | undefined): void {
    // No two at once: they would end in either order.
    const untilMs = expiresInMs === undefined ? undefined : this.#nowMs + expiresInMs + ++this.#published
    this.#forget(item)
    this.#items.set(item, { key, untilMs })
    const number = ++this.#numbers
    for (const account of this.#meant(key)) {
      this.#put(
        account,
        this.#fresh(number, item, false, Math.min(untilMs ?? Number.POSITIVE_INFINITY, this.#nowMs + QUEUE_BOUNDS.queueMs)),
      )
    }
  }

  #retract(item: string): void {
    const key = this.#items.get(item)?.key
    this.#items.delete(item)
    const unaware = this.#forget(item)
    const number = ++this.#numbers
    for (const account of this.#meant(key)) {
      if (!unaware.has(account)) this.#put(account, this.#fresh(number, item, true, this.#nowMs + QUEUE_BOUNDS.queueMs))
    }
  }

  #fresh(number: number, item: string, isGone: boolean, untilMs: number): Entry {
    return { number, item, isGone, untilMs, attempts: 0, failures: 0, notBeforeMs: 0, awaits: 'nothing' }
  }

  #meant(key: string | undefined): string[] {
    const words = key === undefined ? [] : key.split('.')
    return [...this.#queues]
      .filter(([, { keys }]) => keys.length === 0 || keys.some((each) => isMeant(each.split('.'), words)))
      .map(([name]) => name)
  }

  /** @returns who had it, and was never handed it */
  #forget(item: string): Set<string> {
    const unaware = new Set<string>()
    for (const [account, queue] of this.#queues) {
      if (queue.entries.some((each) => each.item === item && each.attempts === 0)) unaware.add(account)
      queue.entries = queue.entries.filter((each) => each.item !== item)
    }
    this.#letters = this.#letters.filter((each) => each.item !== item)
    return unaware
  }

  #put(account: string, entry: Entry): void {
    const entries = this.#queues.get(account)?.entries
    entries?.push(entry)
    entries?.sort((one, other) => one.number - other.number)
    while (entries && entries.length > QUEUE_BOUNDS.entriesMax) this.#bury(account, entries[0] as Entry)
  }

  #drop(account: string, isMeant: (entry: Entry) => boolean): void {
    const queue = this.#queues.get(account)
    if (queue) queue.entries = queue.entries.filter((each) => !isMeant(each))
  }

  #fail(account: string, entry: Entry): void {
    if (entry.failures + 1 >= QUEUE_BOUNDS.failuresMax) return this.#bury(account, entry)
    const notBeforeMs = this.#nowMs + QUEUE_BOUNDS.pauseMs * 2 ** entry.failures
    Object.assign(entry, { failures: entry.failures + 1, awaits: 'nothing', notBeforeMs })
  }

  #bury(account: string, entry: Entry): void {
    const entries = this.#queues.get(account)?.entries as Entry[]
    entries.splice(entries.indexOf(entry), 1)
    this.#letters.push({ ...entry, account })
  }

  /** As one who looks at nothing meanwhile: all that is due, the earliest first. */
  #settle(): void {
    const due = [...this.#queues].flatMap(([account, { entries }]) => entries.map((entry) => ({ account, entry })))
    const inOrder = due.filter(({ entry }) => entry.notBeforeMs > 0 && entry.notBeforeMs <= this.#nowMs)
    for (const { account, entry } of inOrder.sort((one, other) => one.entry.notBeforeMs - other.entry.notBeforeMs)) {
      if (entry.untilMs <= this.#nowMs || entry.awaits === 'error') this.#drop(account, (each) => each === entry)
      else if (entry.awaits === 'acknowledgement') this.#fail(account, entry)
      else entry.notBeforeMs = 0
    }
    const over = (each: Entry) => each.untilMs <= this.#nowMs
    const ended = [...this.#items].map(([item, { untilMs = Number.POSITIVE_INFINITY }]) => ({ item, untilMs }))
    const inTurn = ended.filter(({ untilMs }) => untilMs <= this.#nowMs).sort((one, other) => one.untilMs - other.untilMs)
    for (const { item } of inTurn) this.#retract(item)
    for (const account of this.#queues.keys()) this.#drop(account, over)
    this.#letters = this.#letters.filter((each) => !over(each))
  }
}

function isMeant(pattern: readonly string[], words: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return words.length === 0
  if (first === '#') return isMeant(rest, words) || (words.length > 0 && isMeant(pattern, words.slice(1)))
  return words.length > 0 && (first === '*' || first === words[0]) && isMeant(rest, words.slice(1))
}
