import { connect } from 'node:net'

// The other end of bench/hashes.bench.ts: sends as many octets as it is told, where it is told, as fast as they are taken.

const BLOCK = Buffer.alloc(256 * 1024, 'x')

process.on('message', async ({ port, bytes }: { port: number; bytes: number }) => {
  const socket = connect(port, '127.0.0.1')
  for (let sent = 0; sent < bytes; sent += BLOCK.length) {
    await new Promise<void>((resolve, reject) => socket.write(BLOCK, (error) => (error ? reject(error) : resolve())))
  }
  socket.end()
})
