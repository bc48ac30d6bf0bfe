export type { Bytestream, BytestreamMethod, BytestreamTotals } from './bytestream.ts'
export type { InBandComponents } from './in-band/in-band-streams.ts'
export { type InBandExpectInit, InBandTarget, inBandPart } from './in-band/in-band-target.ts'
export { type InBandInit, openInBand } from './in-band/open-in-band.ts'
export type { ContentAnswer, ContentInit, JingleSession, JingleSessionEvents } from './jingle/jingle-session.ts'
export { type JingleComponents, type JingleInit, JingleSessions, type MayBegin } from './jingle/jingle-sessions.ts'
export {
  type JingleTransportComponents,
  type JingleTransportInit,
  jingleTransport,
  jingleTransportsPart,
} from './jingle/open-transport.ts'
export { errorOfReason } from './jingle/reasons.ts'
export type { JingleSessionContent } from './jingle/session-content.ts'
export type { JingleEnd } from './jingle/session-course.ts'
export type { ForwardedHost } from './jingle/socks5-offer.ts'
export type { OpenTransport, TransportLink, TransportSide } from './jingle/transport-link.ts'
export { LastWays, type WayMemory } from './last-ways.ts'
export { type FindResourceInit, type FoundResource, ResourceFinder } from './resources.ts'
export type { Reach } from './socks5/connect-streamhost.ts'
export { type Destination, isOpenDestination, type MayConnect } from './socks5/destinations.ts'
export type { OwnHost } from './socks5/direct.ts'
export { bytestreamsPart, type FoundProxy, ProxyFinder } from './socks5/proxies.ts'
export { type RequesterComponents, type RequestInit, requestBytestream } from './socks5/requester.ts'
export { BytestreamTarget, type ExpectInit } from './socks5/target.ts'
export { type ExpectedMethods, expectStream, type StreamTargets } from './stream-initiation/expect-stream.ts'
export { type InitiateInit, type InitiatorComponents, initiateStream } from './stream-initiation/initiate-stream.ts'
export {
  type ChosenStream,
  type IncomingOffer,
  type OnOffer,
  offerStream,
  StreamInitiationResponder,
} from './stream-initiation/stream-initiation.ts'
export { defaultTimings, type Timings } from './timings.ts'
export type { InitiatorStep, MethodChoice, RequesterStep, StreamhostChoice, StreamhostsInit, WayInit } from './way.ts'
