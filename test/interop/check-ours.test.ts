// Goal: `streamhost check` finds nothing to complain about in our proxy, behind every server.
// Method: the whole table of probes, with a second session and a stranger, so that none is skipped.

import { probes } from '../../src/check/index.ts'
import { check } from '../helpers/checks.ts'
import { PROXY } from '../helpers/prosody.ts'
import { startProxy } from '../helpers/proxy.ts'
import { onEachServer } from '../helpers/server.ts'

onEachServer('the check of our proxy', { accounts: ['juliet', 'nurse'] }, (test) => {
  test('our proxy passes every probe of the check', async (t, server) => {
    await using _ = await startProxy(server, { jid: PROXY, allow: [`juliet@${server.domain}`] })
    const results = await check(server, PROXY)
    t.deepEqual(
      results.map(({ probe, verdict, detail }) => [probe, verdict, verdict === 'passed' || detail]),
      probes.map(({ id }) => [id, 'passed', true]),
    )
  })
})
