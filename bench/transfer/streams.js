// A file by Node's streams, as one would write it: `send PATH PORT` and `receive PATH`, hashed on both ends.

import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream/promises'

const [what, path, port] = process.argv.slice(2)
const hash = createHash('sha256')
const tell = (facts) => console.log(JSON.stringify(facts))

/** @param {import('node:stream').Readable} source */
const hashed = (source) => source.on('data', (octets) => hash.update(octets))

if (what === 'send') {
  await pipeline(hashed(createReadStream(path)), connect(Number(port), '127.0.0.1'))
  tell({ event: 'done', sha256: hash.digest('hex') })
} else {
  const server = createServer(async (socket) => {
    server.close()
    await pipeline(hashed(socket), createWriteStream(path))
    tell({ event: 'done', sha256: hash.digest('hex') })
  })
  server.listen(0, '127.0.0.1', () => tell({ event: 'ready', port: server.address().port }))
}
