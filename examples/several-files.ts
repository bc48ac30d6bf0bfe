// Sends the files of a folder, two at a time, in one session where the receiver takes that: STREAMHOST_PASSWORD=… node --import=tsx examples/several-files.ts laptop@example.org desk@example.org outbox
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { TransferClient } from 'streamhost'

const [jid = '', to = '', folder = ''] = process.argv.slice(2)
const { STREAMHOST_PASSWORD: password = '', STREAMHOST_SERVICE: service } = process.env

await using client = await TransferClient.connect({ jid, password, service, concurrency: 2 })
const names = readdirSync(folder)
const paths = names.map((name) => join(folder, name))
const transfers = client.sendAll(paths, { to, hashes: ['sha-256', 'blake2b-512'] })
const results = await Promise.allSettled(transfers.map(({ done }) => done))
for (const [index, result] of results.entries()) {
  console.log(`${names[index]}: ${result.status === 'fulfilled' ? result.value.sha256 : result.reason}`)
}
if (results.some(({ status }) => status === 'rejected')) process.exitCode = 1
