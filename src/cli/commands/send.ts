import type { Command } from 'commander'
import { accountOptions, type Settings, sendOptions, sendQueueOptions } from '../../config/index.ts'
import { BytestreamError, formatBytes, formatDuration, toBytestreamError } from '../../core/index.ts'
import { checkProxyIsUsed, type FoundFile, type QueuedFile, type Transfer, type TransferClientInit } from '../../transfer/index.ts'
import { isAllHere, tellAttempts, tellOffline } from '../attempts.ts'
import { accountOf, addExamples, addOptions, CommandFailure, logIn, type Run, type Start, settingsOf } from '../command-line.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { describeFailure, type Failure, type Scene, sceneOf, sentenceOf } from '../failures.ts'
import { findFiles } from '../found-files.ts'
import type { Output } from '../output.ts'
import { tellMapping } from '../port-mapping.ts'
import { optimiseRarely } from '../rare-optimization.ts'
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
  const { files, failures: unread } = await findFiles(paths, settings.account, run)
  const way = { method, negotiation, proxy, description, hashes, mimeType, timings: timingsOf(settings), retry: { forMs } }
  if (queue !== undefined) {
    const queued = files.map(({ path, folder }) => ({ path, folder, to, priority, options: way }))
    return await workQueue(queue, queued, { settings, run, unread })
  }
  const { account } = settings
  await using client = await logIn({ ...clientOf(settings, run), reconnect: forMs > 0 }, run)
  tellOffline(output, client.session, account)
  const transfers = client.sendAll(files, { ...way, to, priority, signal })
  const count = files.length + unread.length
  const teller = new Teller(run, { account, method }, () => count > 1 && !signal.aborted)
  if (transfers.length > 1) output.followAll(transfers, sizeOf(files))
  for (const [at, transfer] of transfers.entries()) {
    const file = files[at] as FoundFile
    teller.follow(transfer, file)
    transfer.on('failed', (error) => teller.tellFailure(file.path, error, transfer))
  }
  const results = await Promise.allSettled(transfers.map(({ done }) => done))
  const failed = results.flatMap((result) => (result.status === 'rejected' ? [toBytestreamError(result.reason)] : []))
  const failures = [...failed, ...unread]
  output.close()
  teller.tellRepeated()
  if (given.signal.aborted && transfers.some(({ bytes, size }) => bytes > 0 && bytes < size))
    output.complain('what has arrived is kept there for a week: the same command again goes on with it')
  const [first] = failures
  if (!first) return
  const [transfer] = transfers
  if (count === 1 && transfer) throw new CommandFailure(first, exitCodeOf(first), teller.failureOf(first, transfer))
  const summary = new BytestreamError(first.code, `${failures.length} of ${count} files were not sent`, { cause: first })
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
  const { account } = settings
  const teller = new Teller(run, { account }, () => !run.signal.aborted)
  const { failed, count } = await sendQueued(run, {
    queue,
    files,
    absentMsMax: settings['absent-time-max'],
    account: () => clientOf(settings, run),
    follow: (transfer, path) => teller.follow(transfer, { path }),
    tellFailure: (path, error, about) => teller.tellFailure(path, error, about),
  })
  run.output.close()
  teller.tellRepeated()
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
  readonly #signal: AbortSignal
  readonly #about: Pick<Scene, 'account' | 'method'>
  readonly #scenes = new WeakMap<Transfer, () => Scene>()
  /** By what was said of them: the first file of each reason, and how many followed it. */
  readonly #repeated = new Map<string, { readonly path: string; more: number }>()
  /** Whether a failure is to be told at once, since the last line of the command will not. */
  readonly #isWorthALine: () => boolean
  #way = ''
  #withoutFolder = ''

  constructor({ output, signal }: Run, about: Pick<Scene, 'account' | 'method'>, isWorthALine: () => boolean) {
    this.#output = output
    this.#signal = signal
    this.#about = about
    this.#isWorthALine = isWorthALine
  }

  follow(transfer: Transfer, { path }: Pick<FoundFile, 'path'>): void {
    const output = this.#output
    const scene = sceneOf(this.#about, transfer)
    this.#scenes.set(transfer, scene)
    let isFollowed = false
    transfer.on('state', (state) => {
      if (state !== 'preparing' || isFollowed) return
      isFollowed = true
      output.follow(transfer)
    })
    tellAttempts(output, transfer, path, scene)
    this.#followWay(transfer, path)
    transfer.on('done', ({ size, sha256, method, durationMs, confirmed, resumedFrom, attempts, movedBytes }) => {
      const rate = formatBytes((movedBytes / Math.max(1, durationMs)) * 1000)
      const wasThere = movedBytes === 1 && isAllHere(resumedFrom, size)
      const what = wasThere ? 'was there already' : `sent, ${formatBytes(size)} in ${formatDuration(durationMs)}, ${rate}/s`
      output.tell(
        'sent',
        { path, to: transfer.peer, size, sha256, method, durationMs, confirmed, resumedFrom, attempts, movedBytes },
        `${path}: ${what}, SHA-256 ${sha256}${confirmed ? '' : ' (the receiver did not confirm it)'}`,
      )
    })
  }

  /** @param about the transfer, or where there was none, who should have got it */
  failureOf(error: BytestreamError, about: Transfer | string): Failure {
    const scene = typeof about === 'string' ? undefined : this.#scenes.get(about)?.()
    return describeFailure(error, scene ?? { ...this.#about, peer: String(about), direction: 'send' }, this.#signal)
  }

  /** Tells of a file that is not sent; of several with the same reason, of the first one. */
  tellFailure(path: string, error: BytestreamError, about: Transfer | string): void {
    const output = this.#output
    const { code, message } = error
    const failure = this.failureOf(error, about)
    const { hop } = failure
    output.tell('failed', { path, code, message, hop })
    if (!this.#isWorthALine()) return
    const sentence = sentenceOf(failure)
    const repeated = this.#repeated.get(sentence)
    if (repeated) {
      repeated.more += 1
      return
    }
    this.#repeated.set(sentence, { path, more: 0 })
    output.complain(`${path}: ${sentence}`)
  }

  /** Tells at the end of how many more files each reason was. */
  tellRepeated(): void {
    for (const { path, more } of this.#repeated.values())
      if (more > 0) this.#output.complain(`${more} more ${more === 1 ? 'file was' : 'files were'} not sent for the same reason as ${path}`)
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
      optimiseRarely(method)
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
