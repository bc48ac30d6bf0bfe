import { BytestreamError, type ErrorCode } from '../../core/index.ts'
import type { JingleCondition, JingleReason } from '../../xep/index.ts'

/** What a reason is for whoever waited for the session or the content; nothing when all is well. */
const codes: Readonly<Record<JingleCondition, ErrorCode | undefined>> = {
  'alternative-session': 'ERR_DECLINED',
  busy: 'ERR_LIMIT_WAITING',
  cancel: 'ERR_CANCELLED',
  'connectivity-error': 'ERR_NO_STREAMHOST',
  decline: 'ERR_DECLINED',
  expired: 'ERR_TIMEOUT',
  'failed-application': 'ERR_RESET',
  'failed-transport': 'ERR_NO_STREAMHOST',
  'general-error': 'ERR_RESET',
  gone: 'ERR_NO_RESOURCE',
  'incompatible-parameters': 'ERR_NOT_ACCEPTABLE',
  'media-error': 'ERR_INTEGRITY',
  'security-error': 'ERR_FORBIDDEN',
  success: undefined,
  timeout: 'ERR_TIMEOUT',
  'unsupported-applications': 'ERR_NOT_ACCEPTABLE',
  'unsupported-transports': 'ERR_NO_VALID_STREAMS',
}

/** What XEP-0234 §9 adds to a reason says more than its condition. */
const applicationCodes: Readonly<Record<NonNullable<JingleReason['application']>, ErrorCode>> = {
  'file-not-available': 'ERR_ITEM_NOT_FOUND',
  'file-too-large': 'ERR_FILE_TOO_LARGE',
}

/**
 * A reason as an error.
 *
 * @param sentence what happened
 * @param from who has said so, where it was the other side
 * @returns `undefined` for `success`
 */
export function errorOfReason(sentence: string, reason: JingleReason, from?: string): BytestreamError | undefined {
  const { condition, application, text } = reason
  const code = application ? applicationCodes[application] : codes[condition]
  return code && new BytestreamError(code, `${sentence}: ${application ?? condition}${text ? `, ${text}` : ''}`, { from })
}

/**
 * Why a content ends whose transport has failed (XEP-0166 §6.7, XEP-0260 §3).
 *
 * @param kind of the transport
 */
export function reasonOfFailure({ code }: BytestreamError, kind: string | undefined): JingleReason {
  if (code === 'ERR_TIMEOUT') return { condition: 'timeout' }
  if (code === 'ERR_ABORTED') return { condition: 'cancel' }
  if (code === 'ERR_NO_VALID_STREAMS') return { condition: 'unsupported-transports' }
  return { condition: kind === 'socks5' ? 'connectivity-error' : 'failed-transport' }
}
