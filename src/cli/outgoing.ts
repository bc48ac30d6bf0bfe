import { type BytestreamError, bareJid, formatBytes, formatDuration } from '../core/index.ts'
import type { Offer } from '../feeds/index.ts'
import type { Transfer } from '../transfer/index.ts'
import { CommandFailure, type Run } from './command-line.ts'
import { exitCodeOf } from './exit-codes.ts'
import { describeFailure, sceneOf } from './failures.ts'
import type { Output } from './output.ts'
import { tellMapping } from './port-mapping.ts'
import { optimiseRarely } from './rare-optimization.ts'

/** An offer, and what people know of it. */
export interface ToldOffer {
  readonly offer: Offer
  /** Of the file, as it was given. */
  readonly path: string
  readonly account: string
}

/** Tells who fetches a file that is on offer, how that goes, and who gets nothing. */
export function tellDownloads(run: Run, told: ToldOffer): void {
  const { output } = run
  const { offer, path } = told
  const { id } = offer
  offer.on('started', (transfer) => tellDownload(run, told, transfer))
  offer.on('refused', ({ from: to, error: { code, message } }) => {
    output.tell('refused', { path, id, to, code, message })
    // Who has to wait asks again by itself.
    if (code !== 'ERR_OFFER_BUSY') output.complain(`${path}: not for ${bareJid(to)}: ${message}`)
  })
}

function tellDownload({ output, signal }: Run, { offer, path, account }: ToldOffer, transfer: Transfer): void {
  const { id } = offer
  const scene = sceneOf({ account }, transfer)
  output.follow(transfer)
  transfer.on('step', (step) => tellMapping(output, step, path))
  transfer.on('opened', ({ negotiation, method, streamhost, peer: to }) => {
    optimiseRarely(method)
    output.tell('opened', { path, id, to, negotiation, method, streamhost: streamhost?.jid })
  })
  transfer.on('done', ({ size, sha256, method, durationMs, confirmed, resumedFrom, movedBytes }) => {
    const { peer: to } = transfer
    const { downloads } = offer
    const rate = formatBytes((movedBytes / Math.max(1, durationMs)) * 1000)
    const count = countText(downloads, offer.announcement.downloadsMax)
    output.tell(
      'sent',
      { path, id, to, size, sha256, method, durationMs, confirmed, resumedFrom, downloads },
      `${path}: ${bareJid(to)} has it, ${formatBytes(size)} in ${formatDuration(durationMs)}, ${rate}/s; ${count}`,
    )
  })
  transfer.on('failed', (error) => {
    const { peer: to } = transfer
    const { code, message } = error
    const failure = describeFailure(error, scene(), signal)
    const { hop } = failure
    output.tell('failed', { path, id, to, code, message, hop })
    output.complain(`${path}: ${bareJid(to)} did not get it: ${failure.text}`)
  })
}

const countText = (downloads: number, max: number | undefined) =>
  max === undefined ? `${downloads} ${downloads === 1 ? 'download' : 'downloads'}` : `${downloads} of ${max} downloads`

/** How an offer is over, for people. */
const ends = {
  withdrawn: 'no longer on offer',
  paused: 'still announced, as paused: the same command takes it up again',
  expired: 'no longer on offer: its time is over',
  'used up': 'no longer on offer: it was fetched as often as it was to be',
  changed: 'no longer on offer: it was changed since it was announced; offer it again',
  failed: 'no longer on offer: the service does not take what is to be told of it',
} as const

/**
 * Tells how an offer is over.
 *
 * @returns why that is a failure, where it is one
 */
async function tellEnd(output: Output, { offer, path }: ToldOffer): Promise<BytestreamError | undefined> {
  const { reason, downloads, error } = await offer.done
  const { id } = offer
  const why = error && reason === 'failed' ? `: ${error.message}` : ''
  const text = `${path}: ${ends[reason]}${why}; ${countText(downloads, offer.announcement.downloadsMax)}`
  output.tell('ended', { path, id, reason, downloads, code: error?.code, message: error?.message }, ...(error ? [] : [text]))
  if (error) output.complain(text)
  return error
}

/**
 * Waits until offers are over, and who has begun to fetch them has ended; takes them back when the user has seen enough.
 *
 * @throws CommandFailure when one ended for another reason than it was to
 */
export async function serveOffers(
  { output, signal }: Run,
  told: readonly ToldOffer[],
  leave: (told: ToldOffer) => Promise<void>,
): Promise<void> {
  const onAbort = () => {
    const running = told.reduce((sum, { offer }) => sum + offer.running.size, 0)
    if (running > 0)
      output.complain(
        `${running} ${running === 1 ? 'download is' : 'downloads are'} waited for; Ctrl-C once more ends ${running === 1 ? 'it' : 'them'}`,
      )
    // What is wrong with it is told below, when nobody is fetching any more.
    for (const each of told) leave(each).catch(() => {})
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const failures = (await Promise.all(told.map((each) => tellEnd(output, each)))).flatMap((error) => error ?? [])
  await Promise.allSettled(told.flatMap(({ offer }) => [...offer.running]).map(({ done }) => done))
  await Promise.all(told.map(leave))
  signal.removeEventListener('abort', onAbort)
  const [first] = failures
  if (first) throw new CommandFailure(first, exitCodeOf(first))
}
