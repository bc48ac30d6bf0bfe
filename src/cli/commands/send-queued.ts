import { BytestreamError, formatDuration } from '../../core/index.ts'
import { describeHolder, FileQueue, type QueuedFile, type Transfer, type TransferClientInit } from '../../transfer/index.ts'
import { tellOffline } from '../attempts.ts'
import { logIn, type Run } from '../command-line.ts'

/** What is sent by a queue, and how it is told. */
interface Sending {
  readonly queue: string
  readonly files: readonly QueuedFile[]
  /** Milliseconds for which a receiver that is not there is waited for. */
  readonly absentMsMax: number
  /** Only needed when no other process works the queue. */
  account(): TransferClientInit
  follow(transfer: Transfer, path: string): void
  /** A file is not sent, and will not be tried again. */
  tellFailure(path: string, error: BytestreamError, about: Transfer | string): void
}

/** What came of it, in this run. */
interface Outcome {
  /** Failures nobody has had tried again meanwhile. */
  readonly failed: readonly BytestreamError[]
  /** Files that were handed to the client. */
  readonly count: number
}

/** `streamhost send FILE… --queue FILE`: adds the files to a queue, and sends what is in it, unless another process does. */
export async function sendQueued(run: Run, sending: Sending): Promise<Outcome> {
  const { output } = run
  const { queue: path, files } = sending
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
  const outcome = followQueue(queue, run, sending)
  try {
    await work(queue, run, sending)
  } catch (error) {
    output.close()
    await tellRest(queue, run, path)
    throw error
  }
  return outcome()
}

async function work(queue: FileQueue, run: Run, { account, absentMsMax }: Sending): Promise<void> {
  const { output, signal } = run
  const init = account()
  await using client = await logIn(init, run)
  tellOffline(output, client.session, init.jid)
  await queue.work(client, { signal, absentMsMax })
}

/** What is left, and to nobody, when something has ended the run. */
async function tellRest(queue: FileQueue, { output }: Run, path: string): Promise<void> {
  const files = queue.active
  if (files === 0 || (await queue.holder())) return
  output.tell('rest', { path: queue.path, files })
  output.complain(`${files} ${files === 1 ? 'file stays' : 'files stay'} in ${path}; "streamhost send --queue ${path} …" goes on`)
}

/** Tells what happens. @returns what tells what came of it */
function followQueue(queue: FileQueue, { output }: Run, { follow, tellFailure, absentMsMax }: Sending): () => Outcome {
  /** By the id of the entry; of those that have not failed there is none. */
  const errors = new Map<string, BytestreamError | undefined>()
  const transfers = new Map<string, Transfer>()
  queue.on('transfer', (transfer, { id, path }) => {
    errors.set(id, undefined)
    transfers.set(id, transfer)
    transfer.once('failed', (error) => errors.set(id, error))
    follow(transfer, path)
  })
  queue.on('entry', ({ id, path, to, state, error }) => {
    if (state === 'failed' && error) {
      const { code, message } = error
      tellFailure(path, errors.get(id) ?? new BytestreamError(code, message), transfers.get(id) ?? to)
    }
    if (state === 'paused') output.tell('paused', { id, path }, `${path}: paused`)
    if (state === 'cancelled') output.tell('cancelled', { id, path }, `${path}: cancelled`)
  })
  queue.on('absent', ({ to, look, retryMs, error: { code, message } }) => {
    output.tell('absent', { to, code, message, look, retryMs })
    // How often it is looked for is of no interest to people.
    const longest = formatDuration(absentMsMax)
    if (look === 1) output.complain(`${to} is waited for, ${longest} at the longest, with what is queued for it: ${message}`)
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
