import type { ExecutionContext, TestFn } from 'ava'
import type { PubsubStore, QueuedMessage, QueueEntry, QueueStore } from '../../src/pubsub/index.ts'

const ONE = 'one@x'
const TWO = 'two@x'
const LATE = 1_000_000

const FIRST_NODE = 1

/** As it is given to the store. */
const announced = (itemId: string, more: Partial<QueuedMessage> = {}): Omit<QueuedMessage, 'id'> => ({
  node: 'news',
  nodeId: FIRST_NODE,
  kind: 'published',
  itemId,
  publisher: 'o@x/r',
  publishedMs: 1000,
  expiresMs: LATE,
  routingKey: undefined,
  payload: `<${itemId}/>`,
  ...more,
})

const itemsOf = (entries: readonly Pick<QueueEntry, 'message'>[]) => entries.map(({ message }) => message.itemId)
const ready = (queues: QueueStore, account: string, nowMs = 0, limit = 9) => itemsOf(queues.ready(account, nowMs, { after: 0, limit }))

type Holds = (title: string, run: (t: ExecutionContext, queues: QueueStore, store: PubsubStore) => Promise<void> | void) => void

/** What the rules of queues rely on. The queues of a store are done when their test file is this one call. */
export function queueStoreContract(test: TestFn, open: () => Promise<PubsubStore>): void {
  const holds: Holds = (title, run) =>
    test(title, async (t) => {
      const store = await open()
      const node = store.addNode({
        name: 'news',
        kind: 'leaf',
        parent: undefined,
        creator: 'o@x',
        createdMs: 1,
        isListed: true,
        config: {},
      })
      t.is(node.id, FIRST_NODE)
      for (const jid of [ONE, TWO]) {
        store.addSubscription({ nodeId: node.id, jid, account: jid, state: 'subscribed', options: undefined, expiresMs: undefined })
      }
      await run(t, store.queues, store)
      await store.settled()
      await store.close()
    })

  entriesContract(holds)
  endingContract(holds)
  lettersContract(holds)
  boundsContract(holds)
}

function entriesContract(holds: Holds): void {
  holds('a message is in the queues of those it was added for, as it was given, in the order of adding', (t, queues) => {
    const a = queues.add(announced('a', { routingKey: 'x.y', payload: undefined }), [ONE, TWO])
    const b = queues.add(announced('b', { kind: 'retracted', publishedMs: 2000 }), [ONE])
    t.true(b.id > a.id)
    const fresh = { attempts: 0, failures: 0, notBeforeMs: 0, handedTo: undefined, awaits: 'nothing' } as const
    t.deepEqual(queues.ready(ONE, 0, { after: 0, limit: 9 }), [
      { account: ONE, ...fresh, message: a },
      { account: ONE, ...fresh, message: b },
    ])
    t.deepEqual(queues.ready(TWO, 0, { after: 0, limit: 9 }), [{ account: TWO, ...fresh, message: a }])
    t.deepEqual(ready(queues, ONE, 0, 1), ['a'])
    t.deepEqual(queues.entry(ONE, b.id)?.message, b)
    t.is(queues.entry(TWO, b.id), undefined)
    t.deepEqual(itemsOf(queues.oldest(ONE, 1)), ['a'])
    t.deepEqual(queues.counts, { messages: 2, entries: 3, letters: 0 })
  })

  holds('a message for nobody is kept nowhere', (t, queues) => {
    t.true(queues.add(announced('a'), []).id > 0)
    t.deepEqual(queues.counts, { messages: 0, entries: 0, letters: 0 })
    t.deepEqual([queues.sweep(LATE, 9), queues.nextDueMs()], [0, undefined])
  })

  holds('what waits for an account is found when its time has come, and not while something is awaited', (t, queues) => {
    const { id } = queues.add(announced('a'), [ONE])
    queues.add(announced('b'), [ONE])
    const entry = queues.entry(ONE, id) as QueueEntry
    const handed = { ...entry, attempts: 1, notBeforeMs: 500, handedTo: `${ONE}/r`, awaits: 'acknowledgement' } as const
    t.true(queues.replaceEntry(handed))
    t.deepEqual(queues.entry(ONE, id), handed)
    t.deepEqual(ready(queues, ONE, 900), ['b'])
    t.deepEqual(itemsOf(queues.entriesAt(ONE, `${ONE}/r`)), ['a'])
    t.deepEqual([queues.entriesAt(ONE, `${ONE}/s`), queues.entriesAt(TWO, `${ONE}/r`)], [[], []])
    queues.replaceEntry({ ...handed, failures: 1, notBeforeMs: 700, awaits: 'nothing' })
    t.deepEqual(queues.entriesAt(ONE, `${ONE}/r`), [])
    t.deepEqual([ready(queues, ONE, 699), ready(queues, ONE, 700)], [['b'], ['a', 'b']])
    t.false(queues.replaceEntry({ ...handed, account: TWO }))
  })

  holds('what falls due is found, the earliest first, and not what waits for nothing', (t, queues) => {
    const made = ['a', 'b', 'c'].map((item) => queues.add(announced(item), [ONE]))
    for (const [at, { id }] of made.slice(0, 2).entries()) {
      queues.replaceEntry({ ...(queues.entry(ONE, id) as QueueEntry), notBeforeMs: 500 - 100 * at, awaits: at === 0 ? 'error' : 'nothing' })
    }
    t.is(queues.nextDueMs(), 400)
    t.deepEqual([itemsOf(queues.due(399, 9)), itemsOf(queues.due(400, 9)), itemsOf(queues.due(500, 9))], [[], ['b'], ['b', 'a']])
    t.deepEqual(itemsOf(queues.due(500, 1)), ['b'])
    t.is(queues.due(500, 9)[1]?.awaits, 'error')
    queues.removeEntry(ONE, made[1]?.id as number)
    t.is(queues.nextDueMs(), 500)
    queues.removeEntry(ONE, made[0]?.id as number)
    t.is(queues.nextDueMs(), undefined)
  })

  holds('how much waits for an account at a node is known', (t, queues) => {
    const { id } = queues.add(announced('a', { publishedMs: 3000 }), [ONE])
    queues.add(announced('b', { publishedMs: 4000 }), [ONE])
    queues.add(announced('c', { nodeId: 7 }), [ONE])
    queues.replaceEntry({ ...(queues.entry(ONE, id) as QueueEntry), notBeforeMs: 1, awaits: 'error' })
    t.deepEqual(queues.lengthOf(FIRST_NODE, ONE, 0), { waiting: 1, handed: 1, oldestMs: 3000 })
    t.deepEqual(queues.lengthOf(7, ONE, 0), { waiting: 1, handed: 0, oldestMs: 1000 })
    t.deepEqual(queues.lengthOf(FIRST_NODE, TWO, 0), { waiting: 0, handed: 0, oldestMs: undefined })
    t.deepEqual(queues.lengthOf(FIRST_NODE, ONE, LATE), { waiting: 0, handed: 0, oldestMs: undefined })
  })
}

function endingContract(holds: Holds): void {
  holds('a message goes with the last who has it', (t, queues) => {
    const { id } = queues.add(announced('a'), [ONE, TWO])
    t.true(queues.removeEntry(ONE, id))
    t.false(queues.removeEntry(ONE, id))
    t.deepEqual(queues.counts, { messages: 1, entries: 1, letters: 0 })
    t.true(queues.removeEntry(TWO, id))
    t.deepEqual(queues.counts, { messages: 0, entries: 0, letters: 0 })
    t.deepEqual(ready(queues, ONE), [])
  })

  holds('an item is taken out of all queues, and it is told whose had not been handed it', (t, queues) => {
    const { id } = queues.add(announced('a'), [ONE, TWO])
    const other = queues.add(announced('b'), [ONE])
    queues.bury([queues.entry(TWO, queues.add(announced('a'), [TWO]).id) as QueueEntry], 'gone', 5)
    queues.replaceEntry({ ...(queues.entry(TWO, id) as QueueEntry), attempts: 1 })
    t.deepEqual(itemsOf(queues.entriesOfItem(ONE, FIRST_NODE, 'a')), ['a'])
    t.deepEqual(queues.entriesOfItem(ONE, 7, 'a'), [])
    t.deepEqual(queues.removeItem(7, 'a'), [])
    t.deepEqual(queues.removeItem(FIRST_NODE, 'a'), [ONE])
    t.deepEqual(queues.counts, { messages: 1, entries: 1, letters: 0 })
    t.deepEqual(
      queues.ready(ONE, 0, { after: 0, limit: 9 }).map(({ message }) => message),
      [other],
    )
  })

  holds('what an account has of a node is taken away, dead letters too, and nothing else', (t, queues) => {
    const dead = queues.add(announced('a'), [ONE, TWO])
    queues.bury([{ account: ONE, message: dead }], 'gone', 5)
    queues.add(announced('b'), [ONE, TWO])
    queues.add(announced('c', { nodeId: 7 }), [ONE])
    queues.removeAt(FIRST_NODE, ONE)
    t.deepEqual([ready(queues, ONE), ready(queues, TWO)], [['c'], ['a', 'b']])
    t.deepEqual(queues.counts, { messages: 3, entries: 3, letters: 0 })
    queues.removeAt(FIRST_NODE, 'nobody@x')
    t.is(queues.counts.entries, 3)
  })

  holds('what has expired is found no more, and goes in steps', (t, queues) => {
    queues.add(announced('a', { expiresMs: 500 }), [ONE, TWO])
    const dead = queues.add(announced('b', { expiresMs: 400 }), [ONE])
    queues.bury([{ account: ONE, message: dead }], 'gone', 5)
    queues.add(announced('c', { expiresMs: 501 }), [ONE])
    t.deepEqual([ready(queues, ONE, 499), ready(queues, ONE, 500)], [['a', 'c'], ['c']])
    t.is(queues.sweep(399, 9), 0)
    t.is(queues.sweep(500, 2), 2)
    t.is(queues.sweep(500, 2), 1)
    t.is(queues.sweep(500, 2), 0)
    t.deepEqual(queues.counts, { messages: 1, entries: 1, letters: 0 })
  })

  holds('of a node that has ended nothing is found at once, and all of it is swept', (t, queues) => {
    queues.add(announced('a'), [ONE, TWO])
    queues.add(announced('b', { nodeId: 7 }), [ONE])
    queues.endNode(FIRST_NODE)
    t.deepEqual([ready(queues, ONE), ready(queues, TWO)], [['b'], []])
    t.is(queues.lengthOf(FIRST_NODE, ONE, 0).waiting, 0)
    queues.add(announced('c'), [TWO])
    t.is(queues.sweep(0, 9), 2)
    t.deepEqual([ready(queues, ONE), ready(queues, TWO)], [['b'], ['c']])
    t.deepEqual(queues.counts, { messages: 2, entries: 2, letters: 0 })
  })
}

function lettersContract(holds: Holds): void {
  holds('an entry becomes a dead letter, and that an entry again, at its place', (t, queues) => {
    const message = queues.add(announced('a'), [ONE, TWO])
    queues.add(announced('b'), [ONE])
    queues.replaceEntry({
      ...(queues.entry(ONE, message.id) as QueueEntry),
      attempts: 3,
      failures: 3,
      notBeforeMs: 9,
      handedTo: `${ONE}/r`,
    })
    queues.bury([{ account: ONE, message }], 'service-unavailable', 50)
    t.deepEqual([ready(queues, ONE), ready(queues, TWO), queues.nextDueMs()], [['b'], ['a'], undefined])
    const [letter] = queues.letters(FIRST_NODE, { limit: 9 })
    if (!letter) return t.fail()
    t.deepEqual(letter, { id: letter.id, account: ONE, message, attempts: 3, reason: 'service-unavailable', diedMs: 50 })
    t.deepEqual(queues.letter(FIRST_NODE, letter.id), letter)
    t.deepEqual([queues.letter(7, letter.id), queues.letter(FIRST_NODE, letter.id + 1)], [undefined, undefined])
    t.deepEqual(queues.counts, { messages: 2, entries: 2, letters: 1 })
    queues.bury([{ account: ONE, message }], 'again', 51)
    t.is(queues.countLetters(FIRST_NODE), 1)

    const entry = queues.revive(letter)
    t.deepEqual(entry, { account: ONE, message, attempts: 3, failures: 0, notBeforeMs: 0, handedTo: undefined, awaits: 'nothing' })
    t.deepEqual(ready(queues, ONE), ['a', 'b'])
    t.deepEqual(queues.counts, { messages: 2, entries: 3, letters: 0 })
  })

  holds('dead letters are listed by node from both ends, and go one by one, or the oldest', (t, queues) => {
    const messages = ['a', 'b', 'c', 'd'].map((item) => queues.add(announced(item), [ONE]))
    const elsewhere = queues.add(announced('e', { nodeId: 7 }), [ONE])
    queues.bury(
      [...messages, elsewhere].map((message) => ({ account: ONE, message })),
      'gone',
      5,
    )
    const all = queues.letters(FIRST_NODE, { limit: 9 })
    t.deepEqual(itemsOf(all), ['a', 'b', 'c', 'd'])
    t.deepEqual(itemsOf(queues.letters(FIRST_NODE, { after: all[0]?.id, before: all[3]?.id, limit: 1 })), ['b'])
    t.deepEqual(itemsOf(queues.letters(FIRST_NODE, { limit: 2, fromEnd: true })), ['c', 'd'])
    queues.removeLetter(all[1] as (typeof all)[0])
    t.is(queues.countLetters(FIRST_NODE), 3)
    queues.trimLetters(FIRST_NODE, 3)
    queues.trimLetters(FIRST_NODE, 1)
    t.deepEqual(itemsOf(queues.letters(FIRST_NODE, { limit: 9 })), ['d'])
    t.deepEqual(queues.counts, { messages: 2, entries: 0, letters: 2 })
  })
}

function boundsContract(holds: Holds): void {
  holds('how much an account holds is known, and who holds too much', (t, queues) => {
    const { id } = queues.add(announced('a', { payload: 'é' }), [ONE, TWO])
    queues.add(announced('b', { payload: 'xyz' }), [ONE])
    t.deepEqual(
      [queues.sizeOf(ONE), queues.sizeOf(TWO)],
      [
        { entries: 2, bytes: 5 },
        { entries: 1, bytes: 2 },
      ],
    )
    const all = [ONE, TWO, 'nobody@x']
    t.deepEqual(queues.overfull(all, { entriesMax: 2, bytesMax: 5 }), [])
    t.deepEqual(queues.overfull(all, { entriesMax: 1, bytesMax: 5 }), [ONE])
    t.deepEqual(queues.overfull(all, { entriesMax: 9, bytesMax: 4 }), [ONE])
    t.deepEqual(queues.overfull([TWO], { entriesMax: 1, bytesMax: 1 }), [TWO])
    queues.removeEntry(ONE, id)
    t.deepEqual(queues.sizeOf(ONE), { entries: 1, bytes: 3 })
    t.deepEqual(queues.sizeOf('nobody@x'), { entries: 0, bytes: 0 })
  })

  holds('the oldest that waits for each of several accounts is known', (t, queues) => {
    const a = queues.add(announced('a'), [ONE])
    const b = queues.add(announced('b'), [ONE, TWO])
    const found = queues.oldestOf([TWO, ONE, 'nobody@example.org']).map(({ account, message }) => [account, message.id, message.nodeId])
    t.deepEqual(found, [
      [TWO, b.id, b.nodeId],
      [ONE, a.id, a.nodeId],
    ])
  })

  holds('whatever becomes of an account, what it holds is still found', (t, queues, store) => {
    const message = queues.add(announced('a'), [ONE, TWO])
    queues.bury([{ account: TWO, message }], 'gone', 5)
    for (const subscription of store.subscriptions(FIRST_NODE, { limit: 9 })) store.removeSubscription(subscription)
    t.deepEqual(ready(queues, ONE), ['a'])
    t.is(queues.letters(FIRST_NODE, { limit: 9 })[0]?.account, TWO)
    for (const account of [ONE, TWO]) queues.removeAt(FIRST_NODE, account)
    t.deepEqual(queues.counts, { messages: 0, entries: 0, letters: 0 })
  })
}
