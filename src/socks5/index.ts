export { ClientHandshake, type ClientHandshakeStep } from './client-handshake.ts'
export {
  type ConnectRequest,
  decodeConnectReply,
  decodeConnectRequest,
  encodeConnectReply,
  encodeConnectRequest,
} from './connect.ts'
export { ADDRESS_TYPE, COMMAND, METHOD, REPLY, type Reply, VERSION } from './constants.ts'
export { computeDstAddr, type DstAddr, parseDstAddr } from './dst-addr.ts'
export { type Decoded, decodeGreeting, decodeMethodChoice, encodeGreeting, encodeMethodChoice } from './greeting.ts'
export { ServerHandshake, type ServerHandshakeStep } from './server-handshake.ts'
