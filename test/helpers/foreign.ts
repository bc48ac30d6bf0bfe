import ava, { type TestFn } from 'ava'
import { type ForeignProgram, setupFor, whatIsMissing } from './foreign-programs.ts'

/** Takes every test and hook of a suite that cannot run, and does nothing with them. */
const nothing: unknown = new Proxy(() => undefined, { get: () => nothing })

/**
 * Declares a suite that needs programs of others:
 *
 * ```ts
 * const test = foreign('the component on Prosody', ['prosody'])
 * test('appears in disco#items of the server', async (t) => { … })
 * ```
 *
 * Where one of them is missing, none of its tests run, and one skipped test tells the suite's name and the reason, for
 * the list at the end of `npm test`. With `CI=true` that one fails instead: there everything has to run.
 *
 * @param suite unlike any other in the same file
 * @returns what `import test from 'ava'` would be
 */
export function foreign<Context = unknown>(suite: string, needed: readonly ForeignProgram[]): TestFn<Context> {
  return suiteUnless(whatIsMissing(needed), suite, `npm run ${setupFor(needed)} installs what is missing`)
}

/**
 * Declares a suite that runs unless something is missing, as {@link foreign} does.
 *
 * @param missing why it cannot run
 * @param remedy what to do about it, for CI
 */
export function suiteUnless<Context = unknown>(missing: string | undefined, suite: string, remedy: string): TestFn<Context> {
  if (missing === undefined) return ava as TestFn<Context>
  const title = `${suite} could not run: ${missing}`
  if (process.env['CI'] === 'true') ava(title, (t) => t.fail(remedy))
  else ava.skip(title, (t) => t.pass())
  return nothing as TestFn<Context>
}
