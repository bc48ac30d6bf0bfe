import { BytestreamError, type ErrorCode } from '../core/index.ts'

/** What the other side sent breaks the rules of its stream, which ends with a stream error. */
export class StreamViolation extends BytestreamError {
  /** A defined condition of RFC 6120 §4.9.3: what the other side is told. */
  readonly condition: string

  constructor(condition: string, message: string, code: ErrorCode = 'ERR_STREAM') {
    super(code, message)
    this.condition = condition
  }
}
