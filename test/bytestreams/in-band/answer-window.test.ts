import test from 'ava'
import { AnswerWindow } from '../../../src/bytestreams/in-band/answer-window.ts'

/** The window after answers that took so long. */
function after(blockSize: number, ...answers: readonly number[]): number {
  const window = new AnswerWindow(blockSize)
  for (const ms of answers) window.answered(ms)
  return window.blocks
}

test('two blocks are on their way at first, and one more for each quick answer', (t) => {
  t.is(after(4096), 2)
  t.is(after(4096, 0), 3)
  t.is(after(4096, 1_000, 1_000), 4)
})

test('never more than 16 blocks, nor 64 KiB, but always one', (t) => {
  const quick = Array.from({ length: 40 }, () => 1)
  t.is(after(1, ...quick), 16)
  t.is(after(4096, ...quick), 16)
  t.is(after(4097, ...quick), 15)
  t.is(after(32_768, ...quick), 2)
  t.is(after(65_535, ...quick), 1)
  t.is(after(65_535), 1)
})

test('slow answers halve it, down to one block', (t) => {
  const quick = Array.from({ length: 40 }, () => 1)
  t.is(after(4096, ...quick, 3_001), 8)
  t.is(after(4096, ...quick, 9_000, 9_000, 9_000, 9_000, 9_000, 9_000), 1)
})

test('answers between change nothing: the server may just be far away', (t) => {
  t.is(after(4096, 1_001, 2_000, 3_000), 2)
})
