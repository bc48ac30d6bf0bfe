import test from 'ava'
import { BytestreamError } from '../../../src/core/index.ts'
import { Turns } from '../../../src/transfer/queue/turns.ts'
import { Transfer } from '../../../src/transfer/transfer.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { settle } from '../../helpers/settle.ts'

interface Job {
  readonly transfer: Transfer
  finish(): void
}

/** Transfers that do nothing, in turns. */
class Jobs {
  readonly turns: Turns
  /** In the order in which their turns came. */
  readonly begun: string[] = []

  constructor(concurrency: number, concurrencyPerPeer = concurrency) {
    this.turns = new Turns({ concurrency, concurrencyPerPeer })
  }

  async add(name: string, { peer = 'desk@example.org/home', priority = 0 } = {}): Promise<Job> {
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const work = async () => {
      this.begun.push(name)
      await finished
      return { path: name, size: 0, sha256: '', method: 'direct', confirmed: true } as const
    }
    const facts = { direction: 'send', peer, name, priority } as const
    const transfer = new Transfer(new FakeClock(), facts, (it) => this.turns.take(it, work))
    await settle()
    return { transfer, finish }
  }
}

/** Has a job end, and its place given to the next. */
async function over(job: Job): Promise<void> {
  job.finish()
  await settle()
  await settle()
}

test('so many run at once, with one account fewer, whichever of its devices, and however it is written', async (t) => {
  const jobs = new Jobs(3, 2)
  const all = [
    await jobs.add('one'),
    await jobs.add('two', { peer: 'Desk@Example.org/office' }),
    await jobs.add('three', { peer: 'desk@example.org' }),
    await jobs.add('four', { peer: 'tablet@example.org' }),
    await jobs.add('five', { peer: 'tablet@example.org' }),
  ]
  t.deepEqual(jobs.begun, ['one', 'two', 'four'])
  all[2]?.transfer.cancel()
  await over(all[3] as Job)
  t.deepEqual(jobs.begun, ['one', 'two', 'four', 'five'])
  await t.throwsAsync(async () => all[2]?.transfer.done, { code: 'ERR_ABORTED' })
})

test('the highest priority is first, and it can be changed while a transfer waits', async (t) => {
  const jobs = new Jobs(1)
  const first = await jobs.add('first')
  await jobs.add('low', { priority: -1 })
  await jobs.add('high', { priority: 5 })
  const late = await jobs.add('late')
  late.transfer.priority = 7
  t.is(late.transfer.priority, 7)
  first.transfer.priority = 9 // It runs: too late to mean anything.
  await over(first)
  await over(late)
  t.deepEqual(jobs.begun, ['first', 'late', 'high'])
  for (const priority of [Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => Object.assign(late.transfer, { priority }), { instanceOf: TypeError, message: /a priority is a finite number/ })
  }
})

test('whoever is cancelled while it waits leaves at once with the reason, and whoever runs keeps its place until it has cleaned up', async (t) => {
  const jobs = new Jobs(1)
  const first = await jobs.add('first')
  const second = await jobs.add('second')
  await jobs.add('third')
  second.transfer.cancel(new BytestreamError('ERR_SHUTTING_DOWN', 'we close'))
  await t.throwsAsync(second.transfer.done, { code: 'ERR_SHUTTING_DOWN' })
  first.transfer.cancel()
  await settle()
  t.deepEqual(jobs.begun, ['first'])
  await over(first)
  t.deepEqual(jobs.begun, ['first', 'third'])
  t.is(second.transfer.listenerCount('priority'), 0)
})

test('while it is paused nothing new begins, what runs goes on, and afterwards as many begin as there is room for', async (t) => {
  const jobs = new Jobs(2)
  const first = await jobs.add('first')
  jobs.turns.pause()
  t.true(jobs.turns.isPaused)
  await jobs.add('second')
  await jobs.add('third')
  await jobs.add('fourth')
  await over(first)
  t.deepEqual(jobs.begun, ['first'])
  jobs.turns.resume()
  await settle()
  t.false(jobs.turns.isPaused)
  t.deepEqual(jobs.begun, ['first', 'second', 'third'])
})

test('numbers below 1 are refused', (t) => {
  for (const [concurrency, concurrencyPerPeer] of [
    [0, 1],
    [1, 0],
    [1, Number.NaN],
  ] as const) {
    t.throws(() => new Turns({ concurrency, concurrencyPerPeer }), { instanceOf: TypeError })
  }
})
