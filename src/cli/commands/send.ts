import type { Command } from 'commander'
import { accountOptions, sendOptions } from '../../config/index.ts'
import { BytestreamError, formatBytes, formatDuration, toBytestreamError } from '../../core/index.ts'
import { checkProxyIsUsed, type Transfer, TransferClient } from '../../transfer/index.ts'
import { accountOf, addOptions, CommandFailure, type Run, type Start, settingsOf } from '../command-line.ts'
import { exitCodeOf } from '../exit-codes.ts'
import type { Output } from '../output.ts'

const options = { ...accountOptions, ...sendOptions }

/** `streamhost send FILE… --to JID`. */
export function addSend(program: Command, start: Start): void {
  const command = program.command('send').argument('<files...>', 'what to send').description('send files to a JID')
  addOptions(command, options).action((files: string[]) => start(command, (run) => send(files, command, run)))
}

async function send(files: readonly string[], command: Command, run: Run): Promise<void> {
  const { output, signal } = run
  const { to, method, negotiation, proxy, description, hash: hashes, type: mimeType, ...account } = settingsOf(command, options, run)
  checkProxyIsUsed({ method, proxy })
  await using client = await TransferClient.connect({ ...accountOf(account, run), reconnect: false }, { logger: run.logger })
  const transfers = client.sendAll(files, { to, method, negotiation, proxy, description, hashes, mimeType, signal })
  for (const [at, transfer] of transfers.entries()) tell(output, transfer, files[at] as string, () => files.length > 1 && !signal.aborted)
  const results = await Promise.allSettled(transfers.map(({ done }) => done))
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [toBytestreamError(result.reason)] : []))
  output.close()
  const [first] = failures
  if (!first) return
  const summary =
    files.length === 1
      ? first
      : new BytestreamError(first.code, `${failures.length} of ${files.length} files were not sent`, { cause: first })
  throw new CommandFailure(summary, exitCodeOf(worst(failures)))
}

/** A failure says more than a refusal, a refusal more than an absence. */
function worst(failures: readonly BytestreamError[]): BytestreamError {
  return failures.toSorted((one, other) => exitCodeOf(one) - exitCodeOf(other))[0] as BytestreamError
}

/** @param isWorthALine whether a failure is to be told at once, since the last line of the command will not */
function tell(output: Output, transfer: Transfer, path: string, isWorthALine: () => boolean): void {
  transfer.on('state', (state) => {
    if (state === 'preparing') output.follow(transfer)
  })
  let reason: string | undefined
  let negotiationReason: string | undefined
  transfer.on('step', (step) => {
    if (step.step === 'in band') reason = step.reason
    if (step.step === 'negotiation') negotiationReason = step.reason
  })
  transfer.on('opened', ({ negotiation, method, streamhost, blockSize, peer }) => {
    const inBand = `in band, through the XMPP servers${reason ? `: ${reason}` : ''}`
    const way = { direct: 'directly', proxy: `through the proxy ${streamhost?.jid}`, ibb: inBand }[method]
    const { jid, host, port } = streamhost ?? {}
    const by = { jingle: 'by Jingle', si: `by stream initiation${negotiationReason ? ` (${negotiationReason})` : ''}` }[negotiation]
    output.tell(
      'opened',
      { path, to: peer, negotiation, negotiationReason, method, streamhost: jid, host, port, blockSize, reason },
      `${path}: to ${peer}, ${by}, ${way}`,
    )
  })
  transfer.on('done', ({ size, sha256, method, durationMs, confirmed }) => {
    const rate = formatBytes((size / Math.max(1, durationMs)) * 1000)
    output.tell(
      'sent',
      { path, to: transfer.peer, size, sha256, method, durationMs, confirmed },
      `${path}: sent, ${formatBytes(size)} in ${formatDuration(durationMs)}, ${rate}/s, SHA-256 ${sha256}${confirmed ? '' : ' (the receiver did not confirm it)'}`,
    )
  })
  transfer.on('failed', ({ code, message }) => {
    output.tell('failed', { path, code, message })
    if (isWorthALine()) output.complain(message.startsWith(path) ? message : `${path}: ${message}`)
  })
}
