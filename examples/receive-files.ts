// Receives files: STREAMHOST_PASSWORD=… node --import=tsx examples/receive-files.ts desk@example.org laptop@example.org inbox
import { TransferClient } from 'streamhost'

const [jid = '', from = '', into = ''] = process.argv.slice(2)
const { STREAMHOST_PASSWORD: password = '', STREAMHOST_SERVICE: service } = process.env

await using client = await TransferClient.connect({ jid, password, service })
const receiver = client.receive({ into, from: [from], mayAccept: ({ size }) => size < 10e9 })
console.log(`${client.jid} is waiting`)
for await (const transfer of receiver) {
  transfer.on('done', ({ path, sha256 }) => console.log(`received ${path}, SHA-256 ${sha256}`))
  transfer.on('failed', (error) => console.log(`${transfer.name}: ${error.message}`))
}
