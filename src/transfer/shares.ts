/**
 * Whether somebody has to wait for a place, as all are taken, or their share is: one of several accounts cannot take every one.
 *
 * @param taken by whom, bare JIDs
 * @param among how many may take one
 */
export function isFull(taken: Iterable<{ readonly from: string }>, from: string, { max, among }: { max: number; among: number }): boolean {
  const places = [...taken]
  const share = among > 1 ? Math.ceil(max / 2) : max
  return places.length >= max || places.filter((each) => each.from === from).length >= share
}
