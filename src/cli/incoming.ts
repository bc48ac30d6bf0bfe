import { formatBytes, formatDuration } from '../core/index.ts'
import type { Transfer, TransferResult } from '../transfer/index.ts'
import { isAllHere } from './attempts.ts'
import type { Output } from './output.ts'
import { tellMapping } from './port-mapping.ts'
import { optimiseRarely } from './rare-optimization.ts'

const percentOf = (bytes: number, size: number) => `${Math.floor((bytes / size) * 100)} %`

/**
 * Tells of a file on its way to here, all but its end.
 *
 * @param again what has to be done for the rest of one that was interrupted
 */
export function tellIncoming(output: Output, transfer: Transfer, again: string): void {
  output.follow(transfer)
  const { name } = transfer
  transfer.on('step', (step) => tellMapping(output, step, name))
  transfer.on('opened', ({ negotiation, method, streamhost, blockSize }) => {
    optimiseRarely(method)
    output.tell('opened', { name, from: transfer.peer, size: transfer.size, negotiation, method, streamhost: streamhost?.jid, blockSize })
  })
  transfer.on('resumed', ({ offset, reason }) => {
    const { size } = transfer
    const text = reason === undefined ? `resumed at ${percentOf(offset, size)}` : `from its start: ${reason}`
    output.tell('resumed', { name, from: transfer.peer, offset, size, reason }, ...(isAllHere(offset, size) ? [] : [`${name}: ${text}`]))
  })
  transfer.on('kept', ({ path, bytes }) => {
    const { size } = transfer
    const far = `${formatBytes(bytes)} of ${formatBytes(size)} (${percentOf(bytes, size)})`
    output.tell('kept', { name, from: transfer.peer, path, bytes, size })
    output.complain(`${name}: ${far} stay in ${path}; ${again}`)
  })
}

/** A file that is here, in a line. */
export function arrivalText(peer: string, { path, size, sha256, alreadyThere, durationMs, movedBytes }: TransferResult): string {
  if (alreadyThere) return `${path}: was here already`
  const rate = formatBytes((movedBytes / Math.max(1, durationMs)) * 1000)
  return `${path}: from ${peer}, ${formatBytes(size)} in ${formatDuration(durationMs)}, ${rate}/s, SHA-256 ${sha256}`
}
