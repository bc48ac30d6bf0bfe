import { BytestreamError, type ErrorCode } from '../../core/index.ts'
import {
  describeHolder,
  FileQueue,
  type QueuedFile,
  type QueueEntry,
  type Transfer,
  TransferClient,
  type TransferClientInit,
} from '../../transfer/index.ts'
import type { Run } from '../command-line.ts'

/** What is sent by a queue, and how it is told. */
interface Sending {
  readonly queue: string
  readonly files: readonly QueuedFile[]
  /** Only needed when no other process works the queue. */
  account(): TransferClientInit
  follow(transfer: Transfer, path: string): void
}

/**
 * `streamhost send FILE… --queue FILE`: adds the files to a queue, and sends what is in it, unless another process does.
 *
 * @returns failures of this run that nobody has had tried again
 */
export async function sendQueued(run: Run, { queue: path, files, account, follow }: Sending): Promise<readonly BytestreamError[]> {
  const { output, signal, logger } = run
  const queue = await FileQueue.open(path)
  const { added, repeated } = await queue.add(files)
  for (const { id, path: file, to } of added) output.tell('queued', { id, path: file, to }, `${file}: queued as ${id}`)
  for (const { id, path: file, to, state } of repeated)
    output.tell('repeated', { id, path: file, to, state }, `${file}: not queued again, ${id} is ${state}`)
  const holder = await queue.holder()
  if (holder && files.length > 0) {
    output.tell('left', { path: queue.path, holder }, `left to the process that works on ${queue.path}: ${describeHolder(holder)}`)
    return []
  }
  if (!queue.exists) throw new BytestreamError('ERR_FILE', `there is no queue ${queue.path}, and no file was named to begin one`)
  const failed = followQueue(queue, run, follow)
  await using client = await TransferClient.connect(account(), { logger })
  await queue.work(client, { signal })
  return failed().map(({ error }) => new BytestreamError(error?.code as ErrorCode, error?.message ?? ''))
}

/** @returns what tells the entries that have failed since */
function followQueue(queue: FileQueue, { output }: Run, follow: Sending['follow']): () => readonly QueueEntry[] {
  const seen = new Set<string>()
  queue.on('transfer', (transfer, { id, path }) => {
    seen.add(id)
    follow(transfer, path)
  })
  queue.on('entry', ({ id, path, state }) => {
    if (state === 'paused') output.tell('paused', { id, path }, `${path}: paused`)
    if (state === 'cancelled') output.tell('cancelled', { id, path }, `${path}: cancelled`)
  })
  queue.on('stalled', ({ paused }) => {
    const text = `${paused} paused; "streamhost queue resume --all --queue ${queue.path}" lets them go on`
    output.tell('stalled', { paused }, text)
  })
  return () => queue.entries.filter(({ id, state }) => seen.has(id) && state === 'failed')
}
