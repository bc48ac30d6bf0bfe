import type { ItemsPage, Part } from '../../pubsub/index.ts'
import type { Page, PageRequest } from '../../xep/index.ts'

/** Says which part of a list this is (XEP-0059 §2.2): where a part was asked for, and where there is more of it. */
export function pageOf({ found, first, last, firstIndex, count }: Part<unknown>, request: PageRequest | undefined): Page | undefined {
  if (!request && count <= found.length) return undefined
  return { first, last, index: firstIndex, count }
}

/** XEP-0060 §6.5.4: of items, where they are not all that were asked for. */
export function itemsPage(
  { items, count, firstIndex }: ItemsPage,
  request: PageRequest | undefined,
  max: number | undefined,
): Page | undefined {
  if (!request && items.length >= Math.min(count, max ?? count)) return undefined
  const [first] = items
  return { first: first?.id, last: items.at(-1)?.id, ...(first && { index: firstIndex }), count }
}
