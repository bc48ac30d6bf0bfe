// Goal: whoever is what may do what XEP-0060 §4.1 says, and nothing else.
// Method: its two tables, written again as the specification has them, against ours, cell by cell.

import test from 'ava'
import type { Affiliation } from '../../../src/pubsub/index.ts'
import { privileges, transitions } from '../../../src/pubsub/rules/privileges.ts'

const columns = ['subscribe', 'retrieve', 'publish', 'retract', 'purge', 'configure', 'delete'] as const
/** Y and N as there; O: his own, where the table leaves that to a service; M: a model of the node says. */
const specified: Readonly<Record<Affiliation, string>> = {
  owner: 'YYYYYYY',
  publisher: 'YYYONNN',
  'publish-only': 'NNYONNN',
  member: 'YYMMNNN',
  none: 'MMMMNNN',
  outcast: 'NNNNNNN',
}
const meaning = { Y: 'yes', N: 'no', O: 'own', M: 'model' } as const

for (const [affiliation, row] of Object.entries(specified)) {
  for (const [at, action] of columns.entries()) {
    const privilege = meaning[row[at] as keyof typeof meaning]
    test(`${affiliation}, ${action}: ${privilege} (XEP-0060 §4.1)`, (t) => {
      t.is(privileges[affiliation as Affiliation][action], privilege)
    })
  }
  test(`${affiliation} ${affiliation === 'owner' ? 'manages' : 'does not manage'} lists of the node`, (t) => {
    t.is(privileges[affiliation as Affiliation].manage, affiliation === 'owner' ? 'yes' : 'no')
  })
}

const order = ['outcast', 'none', 'member', 'publisher', 'owner'] as const
/** From the affiliation of a row to that of a column; n: not applicable. */
const chart = { outcast: 'yyyyy', none: 'yyyyy', member: 'yyyyy', publisher: 'yynyy', owner: 'nynny' } as const

for (const from of order) {
  for (const [at, to] of order.entries()) {
    const isAllowed = chart[from][at] === 'y'
    test(`from ${from} to ${to}: ${isAllowed ? 'an owner may' : 'not in one step'} (XEP-0060 §4.1, §8.9.2.4)`, (t) => {
      t.is(transitions[from][to], isAllowed)
    })
  }
  test(`from and to publish-only goes what goes for publishers: ${from}`, (t) => {
    t.is(transitions['publish-only'][from], transitions.publisher[from])
    t.is(transitions[from]['publish-only'], from === 'publisher' || transitions[from].publisher)
  })
}
