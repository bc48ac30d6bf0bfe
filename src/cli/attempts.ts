import { formatBytes, formatDuration } from '../core/index.ts'
import type { Transfer, TransferClient } from '../transfer/index.ts'
import { describeFailure, type Scene } from './failures.ts'
import type { Output } from './output.ts'

/** Whether all of a file is here but for its last octet, which always comes: of such a one, its end is enough to tell. */
export const isAllHere = (offset: number, size: number) => offset > 0 && offset === size - 1

/** Tells when an account is no longer logged in, and when that is tried again. */
export function tellOffline(output: Output, session: TransferClient['session'], account: string): void {
  session.on('offline', ({ error, retryMs }) => {
    const { code, message } = error
    output.tell('offline', { code, message, retryMs })
    output.complain(`${describeFailure(error, { account }).text}; trying again in ${formatDuration(retryMs)}`)
  })
}

/** Tells when sending a file was interrupted, and where it goes on. */
export function tellAttempts(output: Output, transfer: Transfer, path: string, scene: () => Scene): void {
  transfer.on('interrupted', ({ error, attempt, retryMs }) => {
    const { code, message } = error
    const { hop, text } = describeFailure(error, scene())
    const { bytes, size, peer: to } = transfer
    output.tell('interrupted', { path, to, code, message, hop, attempt, retryMs, bytes })
    const far = `after ${formatBytes(bytes)} of ${formatBytes(size)}`
    output.complain(`${path}: interrupted ${far}: ${text}; trying again in ${formatDuration(retryMs)}`)
  })
  transfer.on('resumed', ({ offset, reason }) => {
    const { size, peer: to } = transfer
    const text =
      reason === undefined ? `goes on behind the first ${formatBytes(offset)} of ${formatBytes(size)}` : `begins again: ${reason}`
    output.tell('resumed', { path, to, offset, reason }, ...(isAllHere(offset, size) ? [] : [`${path}: ${text}`]))
  })
}
