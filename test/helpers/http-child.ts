// An HTTP server for two connections in a process of its own: `http-child.ts HOST` tells as JSON how many of three at each
// loopback address were answered.

import { once } from 'node:events'
import { connect } from 'node:net'
import { silentLogger } from '../../src/core/index.ts'
import { HttpServer } from '../../src/http/http-server.ts'

const server = new HttpServer({ logger: silentLogger }, { parts: [], limits: { connectionsMax: 2 } })
const { port } = await server.listen({ host: process.argv[2] ?? '', port: 0 })

async function isAnswered(host: string): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n')
    return (await Promise.race([once(socket, 'data'), once(socket, 'end')])).length > 0
  } catch {
    return false
  }
}

const answered: Record<string, number> = {}
for (const host of ['127.0.0.1', '::1']) {
  answered[host] = 0
  for (let times = 0; times < 3; times++) answered[host] += Number(await isAnswered(host))
}
console.log(JSON.stringify(answered))
process.exit()
