import { type BytestreamError, type ErrorCode, StanzaError } from '../core/index.ts'

/** What an exit code of `streamhost` means. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, absent: 4 } as const

/** The exit code for an error; any other error is a failure. */
const exits: Partial<Record<ErrorCode, number>> = {
  ERR_CONFIG: EXIT.usage,
  ERR_JID_MALFORMED: EXIT.usage,

  ERR_AUTHENTICATION: EXIT.refused,
  ERR_DECLINED: EXIT.refused,
  ERR_FILE_TOO_LARGE: EXIT.refused,
  ERR_FORBIDDEN: EXIT.refused,
  ERR_LIMIT_WAITING: EXIT.refused,
  ERR_NOT_ACCEPTABLE: EXIT.refused,
  ERR_NO_VALID_STREAMS: EXIT.refused,
  ERR_BAD_PROFILE: EXIT.refused,

  ERR_HANDSHAKE_TIMEOUT: EXIT.absent,
  ERR_HOST_UNKNOWN: EXIT.absent,
  ERR_NO_RESOURCE: EXIT.absent,
  ERR_TIMEOUT: EXIT.absent,
  ERR_UNREACHABLE: EXIT.absent,
}

export function exitCodeOf(error: BytestreamError): number {
  if (error instanceof StanzaError) return error.absence ? EXIT.absent : EXIT.refused
  return exits[error.code] ?? EXIT.failed
}
