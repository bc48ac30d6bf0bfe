import type { Login } from '../../test/helpers/raw-client.ts'

/** Whose requesters the generator plays. */
export const ACCOUNT: Login = { local: 'requester', password: 'pencil', domain: 'localhost' }

/** Never online: only its address is needed. */
export const TARGET = 'target@localhost/bench'

/** How a relay on loopback is come by. */
export interface Reach {
  readonly port: number
  /** Where it connects to in turn; without, both ends come to it by SOCKS5. */
  readonly sinkPort?: number
  /** Where activations are asked for; without, two connections of one DST.ADDR are enough. */
  readonly xmpp?: { readonly port: number; readonly proxy: string }
}
