import test from 'ava'
import { Outbox } from '../../src/session/outbox.ts'

const PIECE = 64 * 1024

/** An outbox, and what it has handed on: nothing is taken before the test says so. */
function open() {
  const writes: { readonly text: string; readonly onDone: (wasTaken: boolean) => void }[] = []
  return { outbox: new Outbox((text, onDone) => writes.push({ text, onDone })), writes, texts: () => writes.map(({ text }) => text) }
}

const turn = () => new Promise(setImmediate)

test('what is said in one turn is written at its end, once and in its order', async (t) => {
  const { outbox, texts } = open()
  outbox.put('<a/>')
  const taken = outbox.putPiece('<b/>')
  // Whoever answers with a promise does so in the same turn.
  void Promise.resolve().then(() => outbox.put('<c/>'))
  t.deepEqual(texts(), [])
  t.is(outbox.length, 8)
  await turn()
  t.deepEqual(texts(), ['<a/><b/><c/>'])
  t.is(outbox.length, 0)
  outbox.put('<d/>')
  await turn()
  t.deepEqual(texts(), ['<a/><b/><c/>', '<d/>'], 'and nothing twice')
  t.is(await Promise.race([taken, 'waits']), 'waits', 'nothing was taken')
})

test('nothing waits for the end of the turn that is a piece, and nothing passes it', async (t) => {
  const { outbox, texts } = open()
  outbox.put('<a/>')
  void outbox.putPiece('b'.repeat(PIECE))
  t.deepEqual(texts(), [`<a/>${'b'.repeat(PIECE)}`])
  outbox.put('<c/>')
  t.is(outbox.length, 4)
  await turn()
  t.is(texts().length, 2)
  t.is(texts()[1], '<c/>')
})

test('a flush hands on at once, and leaves nothing for the end of the turn', async (t) => {
  const { outbox, texts } = open()
  outbox.put('<a/>')
  outbox.flush()
  t.deepEqual(texts(), ['<a/>'])
  await turn()
  t.deepEqual(texts(), ['<a/>'])
})

for (const wasTaken of [true, false]) {
  test(`whoever sent a piece learns, in a later turn, that it was ${wasTaken ? '' : 'not '}taken`, async (t) => {
    const { outbox, writes } = open()
    const pieces = [outbox.putPiece('<a/>'), outbox.putPiece('<b/>'), outbox.putPiece('')]
    outbox.flush()
    let isKnown = false
    void Promise.race(pieces).then(() => {
      isKnown = true
    })
    t.is(writes.length, 1)
    writes[0]?.onDone(wasTaken)
    await Promise.resolve()
    t.false(isKnown)
    t.deepEqual(await Promise.all(pieces), [wasTaken, wasTaken, wasTaken])
  })
}
