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
  Destination,
  ForwardedHost,
  InitiatorStep,
  MayConnect,
  MethodChoice,
  OwnHost,
  RequesterStep,
  StreamhostChoice,
  Timings,
} from './bytestreams/index.ts'
export { isOpenDestination } from './bytestreams/index.ts'
export {
  type CheckComponents,
  type CheckInit,
  type CheckResult,
  type CheckTimings,
  checkProxy,
  type Finding,
  findProxies,
  type Verdict,
} from './check/index.ts'
export type { ProxyEvents } from './component/index.ts'
export { type HostPort, loadSettings, type Option, type Options, type Settings, type Sources, serveOptions } from './config/index.ts'
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
export {
  type AccessSettings,
  type RateSettings,
  Service,
  type ServiceComponents,
  type ServiceEvents,
  type ServiceInit,
  type ServiceSettings,
} from './service.ts'
export {
  type AccountInit,
  type BackOffInit,
  type ComponentInit,
  type Connect,
  type Connection,
  clientConnector,
  componentConnector,
  type IqHandler,
  type IqRouter,
  type NameResolver,
  type Question,
  type QuestionOptions,
  Session,
  type SessionComponents,
  type SessionEvents,
  type SessionInit,
  type SrvRecord,
  systemResolver,
} from './session/index.ts'
export { computeDstAddr, type DstAddr } from './socks5/index.ts'
export {
  type BoundAddress,
  type ListenAddress,
  type RateBucket,
  type Rates,
  type Relay,
  type RelayCounters,
  type RelayEnd,
  type RelayEngine,
  type RelayOptions,
  type RelayTotals,
  Streamhost,
  type StreamhostComponents,
  type StreamhostCounters,
  type StreamhostEvents,
  type StreamhostGauges,
  type StreamhostInit,
  type StreamhostLimits,
} from './streamhost/index.ts'
export type { IdentityInit, TrustInit } from './tls/index.ts'
export {
  type AcceptanceInit,
  type FetchInit,
  type FileOffer,
  type FileRange,
  type FileRequest,
  type FileRules,
  type HashAlgorithm,
  type Negotiation,
  type NegotiationChoice,
  type NegotiationStep,
  type OfferableAlgorithm,
  type Opened,
  offerableAlgorithms,
  type Progress,
  type ReceiveInit,
  Receiver,
  type ReceiverEvents,
  type SendInit,
  type Sent,
  type ShareInit,
  Sharing,
  type SharingEvents,
  Transfer,
  TransferClient,
  type TransferClientComponents,
  type TransferClientInit,
  type TransferEvents,
  type TransferFacts,
  type TransferResult,
  type TransferState,
  type Work,
} from './transfer/index.ts'
export {
  type Attributes,
  buildMessage,
  type Element,
  type Hash,
  type IqRequest,
  type JingleRange,
  type Message,
  type MessageType,
  NS,
  type Presence,
  type PresenceType,
  type StreamhostAddress,
  xml,
} from './xep/index.ts'
