import test, { type ExecutionContext } from 'ava'
import type { OfferedFile } from '../../src/transfer/acceptance.ts'
import { FilesUnderWay } from '../../src/transfer/files-under-way.ts'
import { Transfer } from '../../src/transfer/transfer.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { settle } from '../helpers/settle.ts'

const file: OfferedFile = {
  ...{ from: 'sender@example.org/desk', name: 'file.bin', size: 100, date: '2026-11-21T19:40:42Z', hashes: [], hashUsed: ['sha-256'] },
  ...{ mimeType: undefined, description: undefined },
}

function setScene(t: ExecutionContext) {
  const clock = new FakeClock()
  const files = new FilesUnderWay(clock)
  const begin = (facts: Partial<OfferedFile> = {}, session = 'first') => {
    const transfer = new Transfer(
      clock,
      { direction: 'receive', peer: file.from, name: file.name },
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    files.add(transfer, { ...file, ...facts }, session)
    t.teardown(() => transfer.cancel())
    return transfer
  }
  /** Offers it again. @returns whether the offer may be answered by now */
  const offer = (facts: Partial<OfferedFile> = {}, session = 'second') => {
    let isOver = false
    const made = files.giveWay({ ...file, ...facts }, session).then(() => {
      isOver = true
    })
    return { made, isOver: () => isOver }
  }
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100)
      await settle()
    }
  }
  return { clock, begin, offer, pass }
}

test('what has not moved for five seconds after its file was offered again makes place, and not before', async (t) => {
  const { clock, begin, offer, pass } = setScene(t)
  const hanging = begin()
  hanging.update({ bytes: 7 })
  const { made, isOver } = offer({ from: 'sender@example.org/laptop' })
  await pass(4_900)
  t.false(isOver())
  t.is(hanging.state, 'waiting')
  await pass(100)
  await t.throwsAsync(hanging.done, { code: 'ERR_RESET', message: 'it is offered again' })
  await made
  t.is(clock.waiting, 0)
})

test('what moves goes on, and the other begins by itself at once', async (t) => {
  const { clock, begin, offer, pass } = setScene(t)
  const moving = begin()
  const { made } = offer()
  await pass(700)
  moving.update({ bytes: 1 })
  await pass(300)
  await made
  await pass(60_000)
  t.is(moving.state, 'waiting')
  t.is(clock.waiting, 0)
})

test('what ends meanwhile is not waited for', async (t) => {
  const { begin, offer } = setScene(t)
  const ending = begin()
  const { made } = offer()
  await settle()
  ending.cancel()
  await made
  t.is(ending.state, 'failed')
})

for (const [what, facts, session] of [
  ['of another account', { from: 'other@example.org/desk' }, 'second'],
  ['of another name', { name: 'other.bin' }, 'second'],
  ['in another folder', { folder: 'x' }, 'second'],
  ['of another size', { size: 99 }, 'second'],
  ['of another date', { date: '2026-11-21T19:40:43Z' }, 'second'],
  ['without a date', { date: undefined }, 'second'],
  ['offered together with it', {}, 'first'],
] as const) {
  test(`a file ${what} is another one, and nobody waits`, async (t) => {
    const { begin, offer } = setScene(t)
    const other = begin()
    await offer(facts, session).made
    t.is(other.state, 'waiting')
  })
}
