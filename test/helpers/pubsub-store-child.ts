// Publishes to a database in a process of its own, and says what is durable, a line each: whoever started it ends it.

import { pubsubMigrations, SqliteStore } from '../../src/pubsub/index.ts'
import { Storage } from '../../src/storage/index.ts'

const [, , directory = '', name = ''] = process.argv
const storage = await Storage.open({ directory, migrations: pubsubMigrations })
const store = new SqliteStore(storage)
const node = store.addNode({ name, kind: 'leaf', parent: undefined, creator: 'a@example.com', createdMs: 0, isListed: true, config: {} })
const payload = `<entry>${'x'.repeat(60_000)}</entry>`

for (let count = 0; ; count++) {
  const id = `${count}`
  store.putItem({
    nodeId: node.id,
    id,
    publisher: 'a@example.com/b',
    publishedMs: 0,
    expiresMs: undefined,
    payload,
    routingKey: undefined,
    isExpiryTold: false,
  })
  // As many come as go, so that the log, and not the database, grows.
  if (count >= 10) store.removeItem(node.id, `${count - 10}`)
  await store.settled()
  // Whoever reads it may stand still until no more fits between us: nothing is published that was not said.
  await new Promise((resolve) => process.stdout.write(`${id}\n`, resolve))
}
