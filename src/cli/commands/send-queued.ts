import { BytestreamError } from '../../core/index.ts'
import { describeHolder, FileQueue, type QueuedFile, type Transfer, TransferClient, type TransferClientInit } from '../../transfer/index.ts'
import { tellOffline } from '../attempts.ts'
import type { Run } from '../command-line.ts'

/** What is sent by a queue, and how it is told. */
interface Sending {
  readonly queue: string
  readonly files: readonly QueuedFile[]
  /** Only needed when no other process works the queue. */
  account(): TransferClientInit
  follow(transfer: Transfer, path: string): void
}

/** What came of it, in this run. */
interface Outcome {
  /** Failures nobody has had tried again meanwhile. */
  readonly failed: readonly BytestreamError[]
  /** Files that were handed to the client. */
  readonly count: number
}

/** `streamhost send FILE… --queue FILE`: adds the files to a queue, and sends what is in it, unless another process does. */
export async function sendQueued(run: Run, { queue: path, files, account, follow }: Sending): Promise<Outcome> {
  const { output, signal, logger } = run
  const queue = await FileQueue.open(path)
  const { added, repeated } = await queue.add(files)
  for (const { id, path: file, to } of added) output.tell('queued', { id, path: file, to }, `${file}: queued as ${id}`)
  for (const { id, path: file, to, state } of repeated)
    output.tell('repeated', { id, path: file, to, state }, `${file}: not queued again, ${id} is ${state}`)
  const holder = await queue.holder()
  if (holder && files.length > 0) {
    output.tell('left', { path: queue.path, holder }, `left to the process that works on ${queue.path}: ${describeHolder(holder)}`)
    return { failed: [], count: 0 }
  }
  if (!queue.exists) throw new BytestreamError('ERR_FILE', `there is no queue ${queue.path}, and no file was named to begin one`)
  const outcome = followQueue(queue, run, follow)
  await using client = await TransferClient.connect(account(), { logger })
  tellOffline(output, client.session)
  await queue.work(client, { signal })
  return outcome()
}

/** Tells what happens. @returns what tells what came of it */
function followQueue(queue: FileQueue, { output }: Run, follow: Sending['follow']): () => Outcome {
  /** By the id of the entry; of those that have not failed there is none. */
  const errors = new Map<string, BytestreamError | undefined>()
  queue.on('transfer', (transfer, { id, path }) => {
    errors.set(id, undefined)
    transfer.once('failed', (error) => errors.set(id, error))
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
  return () => {
    const isFailed = (id: string) => queue.get(id)?.state === 'failed'
    const failed = [...errors].flatMap(([id, error]) => (error && isFailed(id) ? [error] : []))
    return { failed, count: errors.size }
  }
}
