import type { ExecutionContext } from 'ava'

/**
 * What a test with chance in it begins from: another one each time, printed, and `HOSTILE_SEED=…` to have it again.
 */
export function seedOf(t: ExecutionContext): number {
  const given = process.env['HOSTILE_SEED']
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
  t.log(`HOSTILE_SEED=${seed}`)
  return seed
}
