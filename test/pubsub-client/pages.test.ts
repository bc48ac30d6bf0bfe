import test from 'ava'
import { walkPages } from '../../src/pubsub-client/pages.ts'
import type { Page, PageRequest } from '../../src/xep/index.ts'

/** A service with the numbers from 1 to `count`, which tells as much of a page as `told` keeps of it. */
function service(count: number, told: (page: Page) => Page | undefined = (page) => page) {
  const asked: (PageRequest | undefined)[] = []
  const ask = async (page: PageRequest | undefined) => {
    asked.push(page)
    const from = Number(page?.after ?? 0)
    const entries = Array.from({ length: Math.min(count - from, page?.max ?? count) }, (_, at) => from + at + 1)
    const whole = entries.length === 0 ? { count } : { first: `${from + 1}`, last: `${from + entries.length}`, index: from, count }
    return { entries, page: told(whole) }
  }
  return { ask, asked }
}

async function all(pages: AsyncIterable<number>): Promise<number[]> {
  const entries: number[] = []
  for await (const entry of pages) entries.push(entry)
  return entries
}

test('a list is walked page by page, up to its last one (XEP-0059 §2.2)', async (t) => {
  const { ask, asked } = service(5)
  t.deepEqual(await all(walkPages(ask, true, { pageSize: 2 })), [1, 2, 3, 4, 5])
  t.deepEqual(asked, [
    { max: 2, after: undefined },
    { max: 2, after: '2' },
    { max: 2, after: '4' },
  ])
})

test('a list without a count ends with an empty page', async (t) => {
  const { ask, asked } = service(4, ({ first, last }) => ({ first, last }))
  t.deepEqual(await all(walkPages(ask, true, { pageSize: 2 })), [1, 2, 3, 4])
  t.is(asked.length, 3)
})

test('a list begins behind an entry', async (t) => {
  t.deepEqual(await all(walkPages(service(4).ask, true, { after: '3' })), [4])
})

test('a service that ignores pages is asked once, and so is one that has none', async (t) => {
  const ignoring = service(3, () => undefined)
  t.deepEqual(await all(walkPages(ignoring.ask, true)), [1, 2, 3])
  const without = service(3)
  t.deepEqual(await all(walkPages(without.ask, false)), [1, 2, 3])
  t.deepEqual([ignoring.asked.length, without.asked], [1, [undefined]])
})

test('a service that tells the same page again and again is asked no third time', async (t) => {
  const { ask, asked } = service(9, () => ({ first: '1', last: '2' }))
  await all(walkPages(ask, true, { pageSize: 2 }))
  t.is(asked.length, 2)
})

test('the next page is asked for when the last one was looked at, and none after that', async (t) => {
  const { ask, asked } = service(100)
  for await (const entry of walkPages(ask, true, { pageSize: 2 })) if (entry === 3) break
  t.is(asked.length, 2)
})
