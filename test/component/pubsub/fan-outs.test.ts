import test from 'ava'
import { FanOut } from '../../../src/component/pubsub/fan-out.ts'
import { type FanOutLimits, FanOuts, type Piece } from '../../../src/component/pubsub/fan-outs.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const PIECE_BYTES = 64 * 1024
const SHARE_BYTES = 8 * 1024
const noLimits: FanOutLimits = { fanOutsMax: 1_000_000, heldBytesMax: Number.MAX_SAFE_INTEGER }

/** Fan-outs whose recipients are numbered, and the JIDs of a piece as `node/what number`. */
function scene(limits = noLimits) {
  const clock = new FakeClock()
  const failures: unknown[] = []
  const fanOuts = new FanOuts(clock, limits, (error) => failures.push(error))
  const over: string[] = []
  const make = (node: string, what: string, pages: Iterable<readonly string[]>, body = '') =>
    new FanOut({
      node,
      parts: { head: `<message from="${what}" to="`, body },
      audience: pages,
      originOf: () => ({ nodeId: 1, idPrefix: '' }),
      onOver: () => over.push(what),
    })
  const add = (node: string, what: string, pages: Iterable<readonly string[]>, body?: string) => fanOuts.add(make(node, what, pages, body))
  const take = () => fanOuts.take((fanOut, to) => fanOut.write(to, '1'))
  /** Everything, as `what to` in the order of sending. */
  const takeAll = () => {
    const all: string[] = []
    for (let piece = take(); piece; piece = take()) all.push(...toldBy(piece))
    return all
  }
  return { clock, fanOuts, add, take, takeAll, over, failures }
}

const toldBy = ({ text }: Pick<Piece, 'text'>) => [...text.matchAll(/from="([^"]*)" to="([^"]*)"/g)].map(([, what, to]) => `${what} ${to}`)
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `u${n}`)

test('all get all, each once, whatever the pages', (t) => {
  const { fanOuts, add, takeAll, over } = scene()
  add('n', 'a', [numbered(3), [], ['x'], []])
  add('n', 'b', [])
  add('m', 'c', [['y']])
  t.deepEqual(takeAll().sort(), ['a u0', 'a u1', 'a u2', 'a x', 'c y'])
  t.deepEqual(over.sort(), ['a', 'b', 'c'])
  t.deepEqual([fanOuts.count, fanOuts.bytes], [0, 0])
})

test('what happened to a node first is told first', (t) => {
  const { add, takeAll } = scene()
  for (const what of ['a', 'b', 'c']) add('n', what, [numbered(1_000)])
  const order = takeAll().map((each) => each[0])
  t.is(order.length, 3_000)
  t.deepEqual([...order].sort(), order)
})

test('a node with many subscribers does not hold up one with few', (t) => {
  const { add, take } = scene()
  add('large', 'a', [numbered(10_000)], 'x'.repeat(400))
  take()
  add('small', 'b', [['z']])
  const told = toldBy(take() as Piece)
  t.true(told.includes('b z'))
  t.true(told.indexOf('b z') < 50)
})

test('a thousand nodes with one subscriber each share pieces', (t) => {
  const { add, take } = scene()
  for (const n of numbered(1_000)) add(n, n, [['z']])
  let pieces = 0
  while (take()) pieces += 1
  t.true(pieces < 5, `${pieces} pieces`)
})

test('a piece is bounded by its octets, and by the time it takes to find whom it is for', (t) => {
  const { clock, add, take } = scene()
  const slow = function* () {
    for (;;) {
      clock.advance(3)
      yield []
    }
  }
  add('slow', 'a', slow())
  t.deepEqual(take(), { text: '', messages: 0, taken: [] })
  add('large', 'b', [numbered(1_000)], 'x'.repeat(1_000))
  const piece = take() as Piece
  t.true(piece.text.length < PIECE_BYTES)
  const quick = scene()
  quick.add('large', 'b', [numbered(1_000)], 'x'.repeat(1_000))
  const { length } = (quick.take() as Piece).text
  t.true(length >= PIECE_BYTES && length < PIECE_BYTES + SHARE_BYTES + 1_100, `${length} octets`)
})

test('what may not have arrived is told again, before everything behind it', (t) => {
  const { fanOuts, add, take, takeAll } = scene()
  add('n', 'a', [numbered(20)])
  add('n', 'b', [numbered(200)], 'x'.repeat(1_000))
  add('m', 'c', [['z']])
  const { count, bytes } = fanOuts
  const first = take() as Piece
  t.deepEqual([...new Set(toldBy(first).map((each) => each[0]))].sort(), ['a', 'b', 'c'])
  fanOuts.putBack(first)
  t.deepEqual([fanOuts.count, fanOuts.bytes], [count, bytes])
  const again = takeAll()
  t.is(again.length, 221)
  t.is(new Set(again).size, 221)
  const ofNode = again.filter((each) => !each.startsWith('c'))
  t.deepEqual(ofNode, [...numbered(20).map((to) => `a ${to}`), ...numbered(200).map((to) => `b ${to}`)])
})

test('to put back again and again loses nothing, and doubles nothing', (t) => {
  const { fanOuts, add, take } = scene()
  for (const node of ['n', 'm', 'o'])
    for (const what of ['1', '2']) add(node, `${node}${what}`, [numbered(150), numbered(150).map((to) => `${to}x`)], 'x'.repeat(300))
  const told: string[] = []
  for (let round = 0; ; round++) {
    const piece = take()
    if (!piece) break
    if (round % 2 === 0) fanOuts.putBack(piece)
    else told.push(...toldBy(piece))
  }
  t.is(told.length, 1_800)
  t.is(new Set(told).size, 1_800)
  for (const node of ['n', 'm', 'o']) {
    const own = told.filter((each) => each.startsWith(node)).map((each) => each.slice(0, 2))
    t.deepEqual([...own].sort(), own)
  }
})

test('there is room for so many, and so much text', (t) => {
  const { add, takeAll, over } = scene({ fanOutsMax: 2, heldBytesMax: 100 })
  t.is(add('n', 'a', [['z']]), 0)
  t.is(add('n', 'b', [['z']], 'x'.repeat(100)), 1)
  t.is(add('n', 'c', [['z']]), 0)
  t.is(add('n', 'd', [['z']]), 1)
  t.deepEqual(over, ['b', 'd'])
  t.deepEqual(takeAll(), ['a z', 'c z'])
  t.is(add('n', 'e', [['z']]), 0)
})

test('a node that has everything waiting does not keep others from being told: what came last of it gives way', (t) => {
  const { fanOuts, add, takeAll, over } = scene({ fanOutsMax: 4, heldBytesMax: 1_000_000 })
  for (const what of ['a', 'b', 'c', 'd']) add('loud', what, [['z']])
  t.is(add('quiet', 'e', [['z']]), 1)
  t.is(add('calm', 'f', [['z']]), 1)
  t.deepEqual(over, ['d', 'c'])
  t.is(add('still', 'g', [['z']]), 1, 'even one of two')
  t.is(add('last', 'h', [['z']]), 1, 'what may be under way does not')
  t.deepEqual(over, ['d', 'c', 'b', 'h'])
  t.is(fanOuts.count, 4)
  t.deepEqual(takeAll(), ['a z', 'e z', 'f z', 'g z'])
  t.deepEqual([fanOuts.count, fanOuts.bytes], [0, 0])
})

test('the same goes for octets: of what takes up the most, as much gives way as is needed', (t) => {
  const { fanOuts, add, takeAll, over } = scene({ fanOutsMax: 100, heldBytesMax: 10_200 })
  for (const what of ['a', 'b', 'c']) add('loud', what, [['z']], 'x'.repeat(3_000))
  t.is(add('quiet', 'd', [['z']], 'x'.repeat(4_000)), 1)
  t.is(add('other', 'e', [['z']], 'x'.repeat(7_000)), 1, 'it would hold more itself')
  t.is(add('other', 'f', [['z']], 'x'.repeat(1_000)), 1)
  t.is(add('huge', 'g', [['z']], 'x'.repeat(20_000)), 1)
  t.deepEqual(over, ['c', 'e', 'b', 'g'])
  t.deepEqual(takeAll(), ['a z', 'd z', 'f z'])
  t.deepEqual([fanOuts.count, fanOuts.bytes], [0, 0])
})

test('where recipients cannot be found, the others are told, and what was found of it', (t) => {
  const { fanOuts, add, takeAll, over, failures } = scene()
  const broken = function* () {
    yield ['y']
    throw new Error('the disk is gone')
  }
  add('n', 'a', broken())
  add('n', 'b', [['z']])
  t.deepEqual(takeAll(), ['a y', 'b z'])
  t.is(failures.length, 1)
  t.deepEqual(over, ['a', 'b'])
  t.is(fanOuts.count, 0)
})

test('what is cleared is told to nobody, and over', (t) => {
  const { fanOuts, add, take, over } = scene()
  add('n', 'a', [numbered(10)])
  add('n', 'b', [numbered(10)])
  fanOuts.clear()
  t.is(take(), undefined)
  t.deepEqual(over, ['a', 'b'])
  t.deepEqual([fanOuts.count, fanOuts.bytes], [0, 0])
})
