// Sends a file: STREAMHOST_PASSWORD=… node --import=tsx examples/send-file.ts laptop@example.org desk@example.org photo.jpg
import { TransferClient } from 'streamhost'

const [jid = '', to = '', path = ''] = process.argv.slice(2)
const { STREAMHOST_PASSWORD: password = '', STREAMHOST_SERVICE: service } = process.env

await using client = await TransferClient.connect({ jid, password, service })
const transfer = client.send(path, { to })
for await (const { bytes, size } of transfer.progress()) console.log(`${bytes} of ${size} octets`)
const { sha256 } = await transfer.done
console.log(`sent, SHA-256 ${sha256}`)
