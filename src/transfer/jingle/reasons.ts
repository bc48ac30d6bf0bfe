import type { BytestreamError, ErrorCode } from '../../core/index.ts'
import type { JingleReason } from '../../xep/index.ts'

const tooLarge = { condition: 'media-error', application: 'file-too-large' } as const
const decline = { condition: 'decline' } as const

/** What the other side is told of an error of ours; any other is `failed-application`, and a matter of our own. */
const reasons: Partial<Record<ErrorCode, JingleReason>> = {
  ERR_ABORTED: { condition: 'cancel' },
  ERR_CANCELLED: { condition: 'cancel' },
  ERR_SHUTTING_DOWN: { condition: 'gone' },
  ERR_TIMEOUT: { condition: 'timeout' },
  ERR_DECLINED: decline,
  ERR_FILE_NAME: decline,
  ERR_FILE_TOO_LARGE: tooLarge,
  // XEP-0234 §9.2: or a limit that is reached while octets come.
  ERR_DISK_SPACE: { ...tooLarge, text: 'there is no room for the file' },
  ERR_LIMIT_WAITING: { condition: 'busy' },
  ERR_INTEGRITY: { condition: 'media-error' },
  ERR_ITEM_NOT_FOUND: { condition: 'failed-application', application: 'file-not-available' },
  ERR_NO_STREAMHOST: { condition: 'connectivity-error' },
  ERR_NO_VALID_STREAMS: { condition: 'unsupported-transports' },
  ERR_RESET: { condition: 'failed-transport' },
}

/** Codes whose sentence is meant for the other side. */
const TOLD: readonly ErrorCode[] = ['ERR_DECLINED', 'ERR_FILE_NAME', 'ERR_FILE_TOO_LARGE', 'ERR_INTEGRITY', 'ERR_LIMIT_WAITING']

/** Why a file ends on our side, as the other side hears it: nothing about our folders and disks (XEP-0166 §7.4, XEP-0234 §9). */
export function reasonOf({ code, message }: BytestreamError): JingleReason {
  const reason = reasons[code] ?? { condition: 'failed-application' }
  return TOLD.includes(code) ? { ...reason, text: message } : reason
}
