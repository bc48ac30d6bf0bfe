// Goal: each probe of the check fails for the fault it is about, those that depend on it are skipped, and no socket is left.
// Method: proxies that are wrong in one way each, plugged into the embedded server. Faults that Prosody's and ejabberd's
// own proxies have are looked for there: test/interop/check-peers.test.ts.

import { probes, type Verdict } from '../../src/check/index.ts'
import { check, notPassed } from '../helpers/checks.ts'
import { type Fault, startFaultyProxy } from '../helpers/faulty-proxy.ts'
import { embedded, onServer, type ServerTest } from '../helpers/server.ts'

/** Every probe that needs one of these is skipped. */
function skippedWithout(...ids: readonly string[]): Record<string, Verdict> {
  const skipped = new Set<string>(ids)
  for (const { id, needs } of probes) if (needs.some((needed) => skipped.has(needed))) skipped.add(id)
  for (const id of ids) skipped.delete(id)
  return Object.fromEntries([...skipped].map((id) => [id, 'skipped']))
}

/** What does not pass for each fault. */
const faults: readonly (readonly [fault: Fault, Readonly<Record<string, Verdict>>])[] = [
  ['no identity', { identity: 'failed', ...skippedWithout('identity') }],
  ['no feature', { feature: 'failed' }],
  ['forbidden', { address: 'failed', ...skippedWithout('address') }],
  ['no streamhost', { address: 'failed', ...skippedWithout('address') }],
  ['no port in the address', { address: 'failed', ...skippedWithout('address') }],
  ['nothing for a sid', { 'address-sid': 'failed' }],
  ['open to strangers', { stranger: 'failed' }],
  ['out of reach of strangers', { stranger: 'skipped' }],
  ['silent to strangers', { stranger: 'skipped' }],
  ['a host that does not exist', { resolvable: 'failed', ...skippedWithout('resolvable') }],
  ['a closed port', { reachable: 'failed', ...skippedWithout('reachable') }],
  ['refuses every socket', { 'target-first': 'failed', 'requester-first': 'failed', ...skippedWithout('target-first') }],
  ['one way, to the first socket', { 'requester-first': 'failed', 'both-ways': 'failed', ...skippedWithout('both-ways') }],
  ['another address in the reply', { echo: 'failed', fragmented: 'failed', pipelined: 'failed' }],
  ['a reply in two pieces', { echo: 'warning' }],
  ['forwards', { 'no-forwarding': 'failed' }],
  ['lets everything in', { 'no-forwarding': 'warning' }],
  ['activates what it does not know', { 'unknown-sid': 'failed', 'other-requester': 'failed' }],
  ['closes what waits at a failed activation', { 'waiting-survives': 'failed' }],
  ['takes any text for a JID', { 'malformed-jid': 'failed' }],
  ['activates for anybody', { 'other-requester': 'failed' }],
  ['closes at the second activation', { twice: 'failed' }],
  ['ignores early octets', { early: 'warning' }],
  ['mangles early octets', { early: 'failed' }],
  ['keeps the end to itself', { 'target-first': 'failed', 'requester-first': 'failed', ...skippedWithout('target-first') }],
  ['loses the end of large bursts', { 'burst-end': 'failed' }],
  ['changes large bursts', { 'burst-end': 'failed' }],
]

const jidOf = (fault: Fault | 'none'): string => `${fault.replace(/[^a-z]+/g, '-')}.localhost`

onServer(
  embedded,
  'the check of faulty proxies',
  { accounts: ['juliet', 'nurse'], components: ['none', ...faults.map(([fault]) => fault)].map((fault) => jidOf(fault as Fault)) },
  (test) => {
    for (const [fault, expected] of faults) declareFault(test, fault, expected)
  },
)

function declareFault(test: ServerTest, fault: Fault, expected: Readonly<Record<string, Verdict>>): void {
  test(`a proxy with the fault "${fault}" fails its probe, and no other`, async (t, server) => {
    await using proxy = await startFaultyProxy(server, jidOf(fault), [fault])
    const results = await check(server, proxy.jid)
    t.deepEqual(notPassed(results), expected)
    const burst = results.find(({ probe }) => probe === 'burst-end')
    if (fault === 'changes large bursts')
      t.regex(burst?.detail ?? '', /^of a burst of \d+ octets \d+ arrived, and not those that were sent$/)
    await proxy.emptied()
  })
}
