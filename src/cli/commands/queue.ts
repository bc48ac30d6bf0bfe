import type { Command } from 'commander'
import { queueOptions } from '../../config/index.ts'
import { BytestreamError, formatBytes } from '../../core/index.ts'
import { describeHolder, FileQueue, type QueueEntry, type QueueOrder } from '../../transfer/index.ts'
import { addExamples, addOptions, type Run, type Start, settingsOf } from '../command-line.ts'
import type { Output, TableLine } from '../output.ts'
import { shortPath } from '../short-path.ts'
import { columnsOf } from '../text.ts'

/** As people would write it; programs get the whole path. */
const shown = (path: string, { environment }: Run) => shortPath(path, { directory: process.cwd(), home: environment['HOME'] })

/** Examples of every command of it. */
const examples = [
  'streamhost queue list --queue outbox.queue',
  'streamhost queue pause --all --queue outbox.queue',
  'streamhost queue priority 10 k3fw --queue outbox.queue',
] as const

/** Each order: in help, and what an entry is that has obeyed it. */
const orders = {
  pause: ['hold files back; one that is on its way goes on later where it was', 'paused'],
  resume: ['let paused files go on', 'resumed'],
  cancel: ['take files out; one that is on its way is broken off', 'cancelled'],
  retry: ['queue again what has failed, or was cancelled', 'queued again'],
} as const satisfies Record<QueueOrder, readonly [help: string, done: string]>

/** `streamhost queue list|pause|resume|cancel|retry|priority`. */
export function addQueue(program: Command, start: Start): void {
  const queue = program.command('queue').description('look at a queue of files, and change it; a running "send --queue" obeys at once')
  addExamples(queue, ...examples)
  const list = addExamples(queue.command('list').description('tell what is in it'), ...examples)
  addOptions(list, queueOptions).action(() => start(list, (run) => listEntries(list, run)))
  for (const [order, [help, done]] of Object.entries(orders)) {
    const command = addIds(queue.command(order).description(help))
    const obey = (run: Run, ids: readonly string[]) =>
      change(command, run, ids, { done, change: (of, chosen) => of.order(order as QueueOrder, chosen) })
    command.action((ids: string[]) => start(command, (run) => obey(run, ids)))
  }
  const priority = addIds(
    queue.command('priority').description('change which files are first').argument('<number>', 'higher ones are first'),
  )
  priority.action((text: string, ids: string[]) =>
    start(priority, async (run) => {
      const number = numberOf(text)
      await change(priority, run, ids, { done: `of priority ${number}`, change: (of, chosen) => of.setPriority(number, chosen) })
    }),
  )
}

function addIds(command: Command): Command {
  command.argument('[ids...]', 'entries, by the beginning of their ids as the list has them').option('--all', 'every entry')
  return addExamples(addOptions(command, queueOptions), ...examples)
}

function numberOf(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text)
  throw new BytestreamError('ERR_CONFIG', `"${text}" is no priority: a whole number is, such as 10`)
}

async function openQueue(command: Command, run: Run): Promise<FileQueue> {
  const queue = await FileQueue.open(settingsOf(command, queueOptions, run).queue)
  if (queue.exists) return queue
  throw new BytestreamError('ERR_FILE', `there is no queue ${queue.path}`)
}

async function change(
  command: Command,
  run: Run,
  texts: readonly string[],
  { done, change }: { done: string; change(queue: FileQueue, ids: readonly string[]): Promise<readonly QueueEntry[]> },
): Promise<void> {
  const { all = false } = command.opts<{ all?: boolean }>()
  if (all === texts.length > 0) throw new BytestreamError('ERR_CONFIG', 'name entries by their ids, or say --all')
  const queue = await openQueue(command, run)
  const entries = all ? queue.entries : texts.map((text) => queue.find(text))
  const changed = new Set(
    (
      await change(
        queue,
        entries.map(({ id }) => id),
      )
    ).map(({ id }) => id),
  )
  for (const { id } of entries) {
    const entry = queue.get(id)
    if (!entry || (all && !changed.has(id))) continue
    const text = changed.has(id) ? done : `left alone: it is ${entry.state}`
    run.output.tell('entry', { ...entry, isChanged: changed.has(id) }, `${id}  ${shown(entry.path, run)} to ${entry.to}: ${text}`)
  }
  if (all && changed.size === 0) run.output.tell('unchanged', {}, `nothing in ${shown(queue.path, run)} is to be ${done}`)
}

async function listEntries(command: Command, run: Run): Promise<void> {
  const { output } = run
  const queue = await openQueue(command, run)
  const { entries } = queue
  const holder = await queue.holder()
  const columns = Math.max(...entries.map(({ priority }) => String(priority).length), 0)
  for (const entry of entries) output.tell('entry', entry, lineOf(output, { ...entry, path: shown(entry.path, run) }, columns))
  const counts = countsOf(entries)
  const sums = Object.entries(counts).map(([state, count]) => `${count} ${state}`)
  const worked = holder ? describeHolder(holder) : 'no process works on it'
  output.tell('queue', { path: queue.path, ...counts, holder }, `${sums.join(', ') || 'empty'}; ${worked}`)
}

function countsOf(entries: readonly QueueEntry[]): Partial<Record<QueueEntry['state'], number>> {
  const counts: Partial<Record<QueueEntry['state'], number>> = {}
  for (const { state } of entries) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

const colours = {
  waiting: undefined,
  running: 'green',
  paused: 'yellow',
  done: 'grey',
  failed: 'red',
  cancelled: 'grey',
} as const satisfies Record<QueueEntry['state'], TableLine['colour']>

const STATE_COLUMNS = 10
/** A terminal of fewer columns has what belongs to an entry moved in by two. */
const TABLE_COLUMNS_MIN = 72

/** State, id and priority in columns, then what is sent to whom. */
function lineOf(output: Output, entry: QueueEntry, priorityColumns: number): TableLine {
  const { id, path, to, priority, state, attempts, size, error } = entry
  const head = `${state.padEnd(STATE_COLUMNS)}${id}  ${String(priority).padStart(priorityColumns)}  `
  const details = [
    ...(size === undefined ? [] : [formatBytes(size)]),
    ...(attempts > 1 ? [`tried ${attempts} times`] : []),
    ...(error ? [error.message] : []),
  ]
  const text = `${head}${path} to ${to}${details.length > 0 ? `: ${details.join(', ')}` : ''}`
  const isNarrow = (output.columns ?? TABLE_COLUMNS_MIN) < TABLE_COLUMNS_MIN
  return { text, indent: isNarrow ? 2 : columnsOf(head), colour: colours[state] }
}
