// Sends files that outlive the program, the first one before the others: STREAMHOST_PASSWORD=… node --import=tsx examples/queue.ts laptop@example.org desk@example.org outbox.queue photo.jpg video.mkv
import { FileQueue, TransferClient } from 'streamhost'

const [jid = '', to = '', path = '', ...files] = process.argv.slice(2)
const { STREAMHOST_PASSWORD: password = '', STREAMHOST_SERVICE: service } = process.env

const queue = await FileQueue.open(path)
await queue.add(files.map((file, at) => ({ path: file, to, priority: at === 0 ? 1 : 0 })))
queue.on('entry', ({ path: file, state }) => console.log(`${file}: ${state}`))
await using client = await TransferClient.connect({ jid, password, service, concurrencyPerPeer: 1 })
await queue.work(client)
const failed = queue.entries.filter(({ state }) => state === 'failed')
for (const { path: file, error } of failed) console.log(`${file}: ${error?.message}`)
if (failed.length > 0) process.exitCode = 1
