// Goal: turns are given in the order that is promised, whatever happens in whatever order, at a price that does not grow.
// Method: random operations on the queue and on a naive twin; comparisons are counted, not timed.

import test from 'ava'
import fc from 'fast-check'
import { FairQueue } from '../../../src/transfer/queue/fair-queue.ts'
import { Heap, type HeapItem } from '../../../src/transfer/queue/heap.ts'
import { NaiveFairQueue } from '../../naive/fair-queue.ts'

const peer = fc.constantFrom('a@example.org', 'b@example.org', 'c@example.org')
const priority = fc.integer({ min: -1, max: 2 })
const at = fc.nat(40)
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), peer, priority }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('next' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), peer }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('setPriority' as const), at, priority }) },
)

/** A queue whose turns say their ids, and its twin. */
class Pair {
  readonly queue: FairQueue
  readonly twin: NaiveFairQueue
  #ids = 0

  constructor(perPeerMax: number) {
    this.queue = new FairQueue(perPeerMax)
    this.twin = new NaiveFairQueue(perPeerMax)
  }

  add(name: string, first = 0): string {
    const id = String(this.#ids++)
    this.queue.enqueue(async () => id, { id, peer: name, priority: first })
    this.twin.add({ id, peer: name, priority: first })
    return id
  }

  async next(): Promise<[mine: unknown, twins: string | undefined]> {
    return [await this.queue.dequeue()?.(), this.twin.next()]
  }

  release(name: string): void {
    if ((this.twin.running.get(name) ?? 0) === 0) return
    this.queue.release(name)
    this.twin.release(name)
  }

  remove(id: string): void {
    this.queue.remove(id)
    this.twin.remove(id)
  }

  setPriority(id: string, changed: number): void {
    this.queue.setPriority(id, changed)
    this.twin.setPriority(id, changed)
  }
}

test('turns come in the order of a queue that looks through all that wait, and nothing is kept of those that are over', async (t) => {
  const schedule = fc.record({ perPeerMax: fc.integer({ min: 1, max: 3 }), operations: fc.array(operation, { maxLength: 80 }) })
  await t.notThrowsAsync(
    fc.assert(
      fc.asyncProperty(schedule, async ({ perPeerMax, operations }) => {
        const pair = new Pair(perPeerMax)
        for (const step of operations) {
          if (step.kind === 'add') pair.add(step.peer, step.priority)
          else if (step.kind === 'release') pair.release(step.peer)
          else if (step.kind === 'remove') pair.remove(String(step.at))
          else if (step.kind === 'setPriority') pair.setPriority(String(step.at), step.priority)
          else {
            const [mine, twins] = await pair.next()
            if (mine !== twins) throw new Error(`${mine} instead of ${twins}`)
          }
          const { queue, twin } = pair
          if (queue.size > 0 !== twin.ready.length > 0) throw new Error(`${queue.size} may begin instead of ${twin.ready.length}`)
          if (queue.peers !== twin.peers) throw new Error(`${queue.peers} peers are known instead of ${twin.peers}`)
          for (const each of [0, 1]) {
            const count = twin.waiting.filter((turn) => turn.priority === each).length
            if (queue.filter({ priority: each }).length !== count) throw new Error(`not ${count} of priority ${each}`)
          }
        }
      }),
      { numRuns: 500 },
    ),
  )
})

test('a thousand for one peer let another one have every second turn', async (t) => {
  const pair = new Pair(10)
  for (let count = 0; count < 1000; count++) pair.add('many@example.org')
  await pair.next()
  const [one, two] = [pair.add('few@example.org'), pair.add('few@example.org')]
  const order = []
  for (let turn = 0; turn < 4; turn++) order.push((await pair.next())[0])
  t.deepEqual(order, ['1', one, '2', two])
})

test('a peer that has all of its places keeps nobody waiting, and goes on when one is free', async (t) => {
  const { queue } = new Pair(1)
  const add = (id: string, name: string, first: number) => queue.enqueue(async () => id, { id, peer: name, priority: first })
  add('first', 'busy@example.org', 9)
  add('second', 'busy@example.org', 9)
  add('other', 'quiet@example.org', 0)
  t.is(await queue.dequeue()?.(), 'first')
  t.is(await queue.dequeue()?.(), 'other')
  t.is(queue.size, 0)
  t.is(queue.dequeue(), undefined)
  queue.release('busy@example.org')
  t.is(await queue.dequeue()?.(), 'second')
})

test('each operation on a heap takes as many comparisons as the logarithm of what is in it, 10,000 included', (t) => {
  interface Item extends HeapItem {
    value: number
  }
  let comparisons = 0
  const heap = new Heap<Item>((one, other) => {
    comparisons++
    return one.value < other.value
  })
  const most = { add: 0, moved: 0, delete: 0 }
  const count = (kind: keyof typeof most, operate: () => void) => {
    comparisons = 0
    operate()
    most[kind] = Math.max(most[kind], comparisons)
  }
  // In falling order each rises to the top.
  const items = Array.from({ length: 10_000 }, (_, index) => ({ value: 10_000 - index, place: -1 }))
  for (const item of items) count('add', () => heap.add(item))
  for (const item of items) {
    item.value = (item.value * 7919) % 10_007
    count('moved', () => heap.moved(item))
  }
  const order: number[] = []
  for (let { first } = heap; first; { first } = heap) {
    order.push(first.value)
    count('delete', () => heap.delete(first as Item))
  }
  t.deepEqual(
    order,
    order.toSorted((one, other) => one - other),
  )
  const levels = Math.ceil(Math.log2(10_000))
  t.true(most.add >= levels - 1 && most.add <= levels, `${most.add}`)
  for (const kind of ['moved', 'delete'] as const) t.true(most[kind] <= 2 * levels + 2, `${kind}: ${most[kind]}`)
})
