// Goal: `streamhost check` finds the real faults of the bytestream proxies that Prosody and ejabberd bring, and no others.
// Method: each of them as Debian configures it, on loopback. What is found is pinned for the version it was found in;
// docs/check.md has the same table for its readers.

import { spawnSync } from 'node:child_process'
import { check, notPassed } from '../helpers/checks.ts'
import { knownFaults } from '../helpers/known-faults.ts'
import { ejabberd, onServer, prosody, type ServerKind } from '../helpers/server.ts'

const OWN_PROXY = 'own.localhost'
/** What these withhold is awaited as long as their processes may stand still. */
const timings = { answerMsMax: 30_000, quietMsMax: 6_000 }

function versionOf(name: string): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own format
  const { stdout } = spawnSync('dpkg-query', ['--show', '--showformat=${Version}', name], { encoding: 'utf8' })
  return `${name} ${/^[\d.]+/.exec(stdout ?? '')?.[0] ?? 'of an unknown version'}`
}

function declare(kind: ServerKind, name: string): void {
  onServer(kind, 'the check of its own proxy', { accounts: ['juliet', 'nurse'], ownProxy: OWN_PROXY }, (test) => {
    test('the check finds the faults of its own proxy', async (t, server) => {
      const results = await check(server, OWN_PROXY, { stranger: undefined }, timings)
      const version = versionOf(name)
      const known = knownFaults[version]
      if (!known) t.log(`${version} is not known yet: only that its proxy carries files is held against it`)
      if (known) t.deepEqual(notPassed(results), known)
      else t.is(notPassed(results)['target-first'], undefined)
    })
  })
}

declare(prosody, 'prosody')
declare(ejabberd, 'ejabberd')
