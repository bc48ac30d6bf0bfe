export { BackOff, type BackOffInit, defaultBackOff } from './back-off.ts'
export { type AccountInit, clientConnector } from './client-connection.ts'
export { type ComponentInit, componentConnector } from './component-connection.ts'
export type { Connect, Connection } from './connection.ts'
export { answerEntityQueries } from './entity-queries.ts'
export type { Question, QuestionOptions } from './iq-requests.ts'
export { type IqHandler, IqRouter, PartialRefusal } from './iq-router.ts'
export { type NameResolver, systemResolver } from './name-resolver.ts'
export { type Credential, deriveCredential, isPassword, ScramServer } from './scram-server.ts'
export {
  type DiscoEntity,
  type DiscoItemsPage,
  type DiscoNodes,
  ServiceDiscovery,
  type ServiceDiscoveryInit,
  type ServicePart,
} from './service-discovery.ts'
export { Session, type SessionComponents, type SessionEvents, type SessionInit } from './session.ts'
export type { SrvRecord } from './srv.ts'
export { StanzaGuard, type StanzaLimits, serverStanzaLimits, strangerStanzaLimits } from './stanza-guard.ts'
export { XmlStream, type XmlStreamEvents, type XmlStreamInit } from './xml-stream.ts'
