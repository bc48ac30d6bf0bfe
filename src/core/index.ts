export { abortError, type Deadline, orAbort, startDeadline, throwIfAborted } from './abort.ts'
export { BufferPool } from './buffer-pool.ts'
export { type Clock, systemClock } from './clock.ts'
export { ContentBuffers } from './content-buffers.ts'
export {
  type Absence,
  BytestreamError,
  type BytestreamErrorOptions,
  type ErrorCode,
  errorCodes,
  NodeMoved,
  StanzaError,
  type StanzaErrorEntry,
  type StanzaErrorType,
  toBytestreamError,
  UnsupportedFeature,
} from './errors.ts'
export { bareJid, domainOf, formatJid, type Jid, parseJid, prepareJid, resourceOf, tryPrepareJid } from './jid.ts'
export { escapeLocal, unescapeLocal } from './jid-escaping.ts'
export { type Logger, silentLogger } from './log.ts'
export { LogRation } from './log-ration.ts'
export { ownText } from './own-text.ts'
export { type Claim, RateQueue } from './rate-queue.ts'
export { saslprep } from './stringprep.ts'
export { TokenBucket } from './token-bucket.ts'
export { formatBytes, formatDuration, parseBytes, parseDuration } from './units.ts'
export { softwareUri, version } from './version.ts'
