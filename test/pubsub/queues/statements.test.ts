// Goal: nothing takes longer because there are many queues: each statement finds what it wants by the key that is written here.
// Method: SQLite's own plans. What a statement is given as JSON it goes through, and nothing else.

import test from 'ava'
import { pubsubMigrations } from '../../../src/pubsub/index.ts'
import { queueChanges, queueQueries } from '../../../src/pubsub/queues/statements.ts'
import { openStorage } from '../../helpers/storage.ts'

/** What a list begins from. */
const GIVEN = 'SCAN j VIRTUAL TABLE INDEX 1:'

test('each statement about queues finds what it wants by a key', async (t) => {
  const storage = await openStorage(t, undefined, pubsubMigrations)
  for (const [name, sql] of Object.entries({ ...queueQueries, ...queueChanges })) {
    t.notRegex(sql, /LIMIT \?/, `${name} would be prepared each time`)
    const plan = storage.query<[id: number, parent: number, unused: number, step: string]>(`EXPLAIN QUERY PLAN ${sql}`).all()
    for (const [, , , step] of plan) {
      t.true(/^SEARCH |SUBQUERY \d+$/.test(step) || step === GIVEN, `${name}: ${step}`)
      t.notRegex(step, /USE TEMP|AUTOMATIC/, name)
    }
  }
})
