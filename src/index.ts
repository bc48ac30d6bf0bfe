/**
 * The bytestream service for XMPP: sends and receives files ({@link TransferClient}), and runs a SOCKS5 bytestream proxy
 * ({@link Service}; {@link Streamhost} without XMPP).
 *
 * @module streamhost
 */

export type {
  Bytestream,
  BytestreamMethod,
  BytestreamTotals,
  MethodChoice,
  RequesterStep,
  Timings,
} from './bytestreams/index.ts'
export type { ProxyEvents } from './component/index.ts'
export { loadSettings, type Option, type Options, type Settings, type Sources, serveOptions } from './config/index.ts'
export {
  BytestreamError,
  type Clock,
  type ErrorCode,
  type Logger,
  prepareJid,
  StanzaError,
  type StanzaErrorEntry,
  type StanzaErrorType,
  version,
} from './core/index.ts'
export { Service, type ServiceComponents, type ServiceEvents, type ServiceInit, type ServiceSettings } from './service.ts'
export {
  type AccountInit,
  type ComponentInit,
  clientConnector,
  componentConnector,
  Session,
  type SessionComponents,
  type SessionEvents,
  type SessionInit,
} from './session/index.ts'
export { computeDstAddr, type DstAddr } from './socks5/index.ts'
export {
  type RelayEngine,
  type RelayTotals,
  Streamhost,
  type StreamhostComponents,
  type StreamhostCounters,
  type StreamhostEvents,
  type StreamhostGauges,
  type StreamhostInit,
  type StreamhostLimits,
} from './streamhost/index.ts'
export {
  type FileOffer,
  type Progress,
  type ReceiveInit,
  Receiver,
  type ReceiverEvents,
  type SendInit,
  Transfer,
  TransferClient,
  type TransferClientComponents,
  type TransferClientInit,
  type TransferEvents,
  type TransferResult,
  type TransferState,
} from './transfer/index.ts'
export { buildMessage, type Element, type Message, NS, type StreamhostAddress, xml } from './xep/index.ts'
