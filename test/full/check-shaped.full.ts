// Goal: a proxy that is slow on purpose is not taken for one that withholds octets.
// Method: ejabberd's own proxy with the rate that Debian's configuration has for clients, checked with the default times.
// It takes longer than a quick test may.

import { check, notPassed } from '../helpers/checks.ts'
import { knownFaults } from '../helpers/known-faults.ts'
import { ejabberd, onServer } from '../helpers/server.ts'

const ownProxy = 'own.localhost'

onServer(ejabberd, 'the check of a shaped proxy', { accounts: ['juliet', 'nurse'], ownProxy, ownProxyRate: 3_000 }, (test) => {
  test('a shaped proxy shows the same as one that is not', async (t, server) => {
    t.timeout(120_000)
    const results = await check(server, ownProxy, { stranger: undefined }, {})
    t.deepEqual(notPassed(results), knownFaults['ejabberd 23.01'])
    const transfer = results.find(({ probe }) => probe === 'target-first')
    t.true((transfer?.durationMs ?? 0) > 2_000, 'the shaper did nothing')
  })
})
