// A screen of a wall: any browser sees the newest picture of a feed at http://127.0.0.1:8001. STREAMHOST_PASSWORD=… node --import=tsx examples/newest-picture.ts wall1@example.org pictures wall1 8001
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { Feeds, TransferClient } from 'streamhost'

const [jid = '', feed = '', into = '', port = ''] = process.argv.slice(2)
const { STREAMHOST_PASSWORD: password = '', STREAMHOST_SERVICE: service } = process.env

let newest: { id: string; type: string | undefined; path: string; content: Buffer } | undefined
const screen = createServer((_, response) => {
  response.writeHead(200, { refresh: '2', 'content-type': newest?.type ?? 'text/plain' }).end(newest?.content ?? 'no picture yet')
}).listen(Number(port), '127.0.0.1', () => console.log('the screen is at', screen.address()))
await using client = await TransferClient.connect({ jid, password, service })
const accept = { mediaTypes: ['image/jpeg', 'image/png'], sizeBytesMax: 20e6 }
for await (const event of new Feeds(client).watch([feed], { into, accept, concurrency: 1 })) {
  if (event.kind === 'fetched' || event.kind === 'there already') {
    const { announcement, path } = event
    newest = { id: announcement.id, type: announcement.file.mediaType, path, content: await readFile(path) }
  } else if ('id' in event && event.id === newest?.id) newest = undefined
  console.log(`${event.kind}: the screen shows ${newest?.path ?? 'nothing'}`)
}
