import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { Address } from './raw-client.ts'

/** One connection that goes through a {@link Meddler}. */
interface MeddledLink {
  readonly client: Socket
  readonly server: Socket
}

/** Sits between a client and its server, and says what neither of them said. */
export interface Meddler extends Address {
  /** Every connection so far. */
  readonly links: readonly MeddledLink[]
  /** The connection made last. */
  readonly link: MeddledLink
}

/** What becomes of octets on their way: the segments they are passed on in. */
export type Meddling = (octets: Buffer) => readonly (Buffer | string)[]

const passOn: Meddling = (octets) => [octets]

/** A server that refuses every resource it is asked for: it hears one that cannot be. */
export const refuseResources: { readonly fromClient: Meddling } = {
  fromClient: (octets) => [Buffer.from(octets.toString('latin1').replace(/<resource>[^<]*</, '<resource>\xee\x80\x80<'), 'latin1')],
}

/** Passes connections on to `server` until the test is over, each direction through its meddling. */
export async function meddle(
  t: ExecutionContext,
  server: Address,
  { fromServer = passOn, fromClient = passOn }: { fromServer?: Meddling; fromClient?: Meddling } = {},
): Promise<Meddler> {
  const links: MeddledLink[] = []
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ ...server, allowHalfOpen: true, noDelay: true })
    links.push({ client, server: upstream })
    forward(client, upstream, fromClient)
    forward(upstream, client, fromServer)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(() => {
    listener.close()
    for (const { client, server: upstream } of links) {
      client.destroy()
      upstream.destroy()
    }
  })
  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    links,
    get link() {
      const link = links.at(-1)
      if (!link) throw new Error('nobody has connected')
      return link
    },
  }
}

function forward(source: Socket, sink: Socket, meddling: Meddling): void {
  let last = Promise.resolve()
  const queue = (step: () => void) => {
    last = last.then(() => new Promise((resolve) => setImmediate(() => resolve(step()))))
  }
  source.on('data', (octets: Buffer) => {
    for (const segment of meddling(octets)) queue(() => sink.write(segment))
  })
  source.on('end', () => queue(() => sink.end()))
  source.on('error', () => sink.destroy())
  source.on('close', (hadError) => hadError && sink.destroy())
}
