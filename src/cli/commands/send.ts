import type { Command } from 'commander'
import { accountOptions, type Settings, sendOptions, sendQueueOptions } from '../../config/index.ts'
import { BytestreamError, formatBytes, formatDuration, toBytestreamError } from '../../core/index.ts'
import {
  checkProxyIsUsed,
  type FoundFile,
  type QueuedFile,
  type Transfer,
  TransferClient,
  type TransferClientInit,
} from '../../transfer/index.ts'
import { tellAttempts, tellOffline } from '../attempts.ts'
import { accountOf, addExamples, addOptions, CommandFailure, type Run, type Start, settingsOf } from '../command-line.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { findFiles } from '../found-files.ts'
import type { Output } from '../output.ts'
import { tellMapping } from '../port-mapping.ts'
import { timingsOf, within, withResource } from '../way.ts'
import { sendQueued } from './send-queued.ts'

const options = { ...accountOptions, ...sendOptions, ...sendQueueOptions }
const { 'time-max': timeMax, 'map-port': mapPort } = sendOptions
/** What is asked where nothing new is sent. */
const queueOptions = { ...accountOptions, ...sendQueueOptions, 'time-max': timeMax, 'map-port': mapPort }
/** What is said of a run at its deadline. */
const TOO_LATE = 'not everything was sent'

/** `streamhost send PATH… --to JID`. */
export function addSend(program: Command, start: Start): void {
  const command = program
    .command('send')
    .argument('[paths...]', 'what to send: files, and directories with all that is in them; with --queue also nothing new')
    .description('send files to a JID')
  addExamples(
    command,
    'streamhost send photo.jpg --account you@example.org --password-file pw \\',
    '  --to friend@example.org',
    'streamhost send holiday notes.txt … --to friend@example.org --resource Home',
    'streamhost send big.iso … --to friend@example.org --method proxy --time-max 8h',
    'streamhost send *.jpg … --to friend@example.org --queue outbox.queue',
    'streamhost send … --queue outbox.queue     goes on with what is in it',
  )
  addOptions(command, options).action((paths: string[]) => start(command, (run) => send(paths, command, run)))
}

async function send(paths: readonly string[], command: Command, given: Run): Promise<void> {
  if (paths.length === 0) return await goOn(command, given)
  const settings = settingsOf(command, options, given)
  const { method, negotiation, proxy, description, hash: hashes, type: mimeType, priority, queue } = settings
  const forMs = settings['retry-for']
  const to = withResource('to', settings.to, settings.resource)
  checkProxyIsUsed({ method, proxy })
  using timed = within(settings['time-max'], given, TOO_LATE)
  const { run } = timed
  const { output, signal } = run
  const { files, failures: unread } = await findFiles(paths, run)
  const way = { method, negotiation, proxy, description, hashes, mimeType, timings: timingsOf(settings), retry: { forMs } }
  if (queue !== undefined) {
    const queued = files.map(({ path, folder }) => ({ path, folder, to, priority, options: way }))
    return await workQueue(queue, queued, { settings, run, unread })
  }
  await using client = await TransferClient.connect({ ...clientOf(settings, run), reconnect: forMs > 0 }, { logger: run.logger })
  tellOffline(output, client.session)
  const transfers = client.sendAll(files, { ...way, to, priority, signal })
  const count = files.length + unread.length
  const teller = new Teller(output, () => count > 1 && !signal.aborted)
  if (transfers.length > 1) output.followAll(transfers, sizeOf(files))
  for (const [at, transfer] of transfers.entries()) {
    const file = files[at] as FoundFile
    teller.follow(transfer, file)
    transfer.on('failed', (error) => teller.tellFailure(file.path, error))
  }
  const results = await Promise.allSettled(transfers.map(({ done }) => done))
  const failed = results.flatMap((result) => (result.status === 'rejected' ? [toBytestreamError(result.reason)] : []))
  const failures = [...failed, ...unread]
  output.close()
  if (given.signal.aborted && transfers.some(({ bytes, size }) => bytes > 0 && bytes < size))
    output.complain('what has arrived is kept there for a week: the same command again goes on with it')
  const [first] = failures
  if (!first) return
  const summary =
    count === 1 ? first : new BytestreamError(first.code, `${failures.length} of ${count} files were not sent`, { cause: first })
  throw new CommandFailure(summary, exitCodeOf(worst(failures)))
}

/** Sends what was put into a queue before. */
async function goOn(command: Command, given: Run): Promise<void> {
  const settings = settingsOf(command, queueOptions, given)
  if (settings.queue === undefined) throw new BytestreamError('ERR_CONFIG', 'name what to send, or a queue to go on with: --queue FILE')
  using timed = within(settings['time-max'], given, TOO_LATE)
  await workQueue(settings.queue, [], { settings, run: timed.run, unread: [] })
}

type ClientSettings = Settings<typeof queueOptions>

/** @param given `unread`: what could not even be queued */
async function workQueue(
  queue: string,
  files: readonly QueuedFile[],
  { settings, run, unread }: { settings: ClientSettings; run: Run; unread: readonly BytestreamError[] },
): Promise<void> {
  const teller = new Teller(run.output, () => !run.signal.aborted)
  const { failed, count } = await sendQueued(run, {
    queue,
    files,
    absentMsMax: settings['absent-time-max'],
    account: () => clientOf(settings, run),
    follow: (transfer, path) => teller.follow(transfer, { path }),
    tellFailure: (path, error) => teller.tellFailure(path, error),
  })
  run.output.close()
  const failures = [...failed, ...unread]
  const [first] = failures
  if (!first) return
  const message = `${failures.length} of ${count + unread.length} files were not sent`
  throw new CommandFailure(new BytestreamError(first.code, message, { cause: first }), exitCodeOf(worst(failures)))
}

function clientOf(settings: ClientSettings, run: Run): TransferClientInit {
  const { concurrency, 'concurrency-per-peer': concurrencyPerPeer, 'map-port': portMapping } = settings
  return {
    ...accountOf(settings, run),
    portMapping,
    ...(concurrency !== undefined && { concurrency }),
    ...(concurrencyPerPeer !== undefined && { concurrencyPerPeer }),
  }
}

const sizeOf = (files: readonly FoundFile[]) => files.reduce((sum, { size }) => sum + size, 0)

/** A failure says more than a refusal, a refusal more than an absence. */
function worst(failures: readonly BytestreamError[]): BytestreamError {
  return failures.toSorted((one, other) => exitCodeOf(one) - exitCodeOf(other))[0] as BytestreamError
}

/** Tells about each file, and once what is the same of many. */
class Teller {
  readonly #output: Output
  /** Whether a failure is to be told at once, since the last line of the command will not. */
  readonly #isWorthALine: () => boolean
  #way = ''
  #withoutFolder = ''

  constructor(output: Output, isWorthALine: () => boolean) {
    this.#output = output
    this.#isWorthALine = isWorthALine
  }

  follow(transfer: Transfer, { path }: Pick<FoundFile, 'path'>): void {
    const output = this.#output
    let isFollowed = false
    transfer.on('state', (state) => {
      if (state !== 'preparing' || isFollowed) return
      isFollowed = true
      output.follow(transfer)
    })
    tellAttempts(output, transfer, path)
    this.#followWay(transfer, path)
    transfer.on('done', ({ size, sha256, method, durationMs, confirmed, resumedFrom, attempts, movedBytes }) => {
      const rate = formatBytes((movedBytes / Math.max(1, durationMs)) * 1000)
      output.tell(
        'sent',
        { path, to: transfer.peer, size, sha256, method, durationMs, confirmed, resumedFrom, attempts, movedBytes },
        `${path}: sent, ${formatBytes(size)} in ${formatDuration(durationMs)}, ${rate}/s, SHA-256 ${sha256}${confirmed ? '' : ' (the receiver did not confirm it)'}`,
      )
    })
  }

  tellFailure(path: string, { code, message }: Pick<BytestreamError, 'code' | 'message'>): void {
    const output = this.#output
    output.tell('failed', { path, code, message })
    if (this.#isWorthALine()) output.complain(message.startsWith(path) ? message : `${path}: ${message}`)
  }

  #followWay(transfer: Transfer, path: string): void {
    const output = this.#output
    let reason: string | undefined
    let negotiationReason: string | undefined
    transfer.on('step', (step) => {
      if (step.step === 'in band' || step.step === 'used') reason = step.reason
      tellMapping(output, step, path)
      if (step.step === 'negotiation') negotiationReason = step.reason
      if (step.step === 'without folder') this.#tellWithoutFolder(path, step.reason)
    })
    transfer.on('opened', ({ negotiation, method, streamhost, blockSize, peer }) => {
      const inBand = `in band, through the XMPP servers${reason ? `: ${reason}` : ''}`
      const way = { direct: 'directly', proxy: `through the proxy ${streamhost?.jid}${reason ? `: ${reason}` : ''}`, ibb: inBand }[method]
      const { jid, host, port } = streamhost ?? {}
      const by = { jingle: 'by Jingle', si: `by stream initiation${negotiationReason ? ` (${negotiationReason})` : ''}` }[negotiation]
      const facts = { path, to: peer, negotiation, negotiationReason, method, streamhost: jid, host, port, blockSize, reason }
      const text = `to ${peer}, ${by}, ${way}`
      // Of many files, most go the way of the one before.
      output.tell('opened', facts, ...(text === this.#way ? [] : [`${path}: ${text}`]))
      this.#way = text
    })
  }

  #tellWithoutFolder(path: string, reason: string): void {
    const output = this.#output
    output.tell('without folder', { path, reason })
    if (reason !== this.#withoutFolder) output.complain(`${reason}: what is sent arrives without its folders`)
    this.#withoutFolder = reason
  }
}
