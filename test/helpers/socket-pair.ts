import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'

/**
 * Two ends of one TCP connection on this machine. Both are gone when the test is over.
 *
 * @param options of the end that connects
 */
export async function socketPair(
  t: ExecutionContext,
  options: { readonly allowHalfOpen?: boolean } = {},
): Promise<{ accepted: Socket; connected: Socket }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connected = connect({ ...options, port, host: '127.0.0.1', noDelay: true })
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(connected, 'connect')])) as [[Socket], unknown]
  server.close()
  t.teardown(() => {
    accepted.destroy()
    connected.destroy()
  })
  return { accepted, connected }
}
