// Goal: whatever was settled is there after kill -9, whenever that comes; what is counted is what is there.
// Method: a process that publishes, and says what is settled; it is killed at some line, and all is looked at.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'ava'
import { type NodeRecord, pubsubMigrations, SqliteStore } from '../../../src/pubsub/index.ts'
import { Storage } from '../../../src/storage/index.ts'
import { ourProgram } from '../../helpers/our-programs.ts'

/** @returns the last item it called settled */
async function publishUntilKilled(directory: string, name: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [...ourProgram('test/helpers/pubsub-store-child.ts'), directory, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let last = -1
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line)
    if (++seen === lines) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return last
}

test('what was settled is there after kill -9, also while the log is copied', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'streamhost-kill-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  // 60 KB each: the log is copied into the database from 8 MiB on, in the last round.
  for (const [round, lines] of [1, 30, 300].entries()) {
    const last = await publishUntilKilled(directory, `round ${round}`, lines)
    t.true(last >= lines - 1)
    await using storage = await Storage.open({ directory, migrations: pubsubMigrations })
    const store = new SqliteStore(storage)
    t.deepEqual(storage.query('PRAGMA integrity_check').all(), [['ok']])
    const node = store.node(`round ${round}`) as NodeRecord
    // The turn behind the last that was settled may have been committed: it takes away the tenth last.
    for (let id = Math.max(0, last - 8); id <= last; id++) t.is(store.item(node.id, `${id}`)?.payload?.length, 60_015, `${id} of ${last}`)
    t.is(store.countItems(node.id), store.items(node.id, { limit: 100 }).length)
    t.is(store.countNodes(), round + 1)
  }
})
