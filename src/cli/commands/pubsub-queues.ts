import type { Command } from 'commander'
import { BytestreamError } from '../../core/index.ts'
import { formatDateTime } from '../../xep/index.ts'
import { addExamples, addListOption, type Start } from '../command-line.ts'
import { addServiceOptions, onService } from './pubsub-command.ts'
import { tableLines } from './pubsub-lines.ts'

const NO_QUEUES = { 'service-unavailable': 'only streamhost keeps queues', 'feature-not-implemented': 'only streamhost keeps queues' }

/** `streamhost pubsub queue NODE`. */
export function addQueue(pubsub: Command, start: Start): void {
  const queue = pubsub.command('queue').argument('<node>', 'of yours').description('tell how much waits for which subscriber of a feed')
  addServiceOptions(queue)
  addExamples(queue, 'streamhost pubsub queue builds/nightly \\', '  --account you@example.org --password-file pw')
  queue.action((node: string) =>
    onService(
      start,
      queue,
      ({ output, signal }) =>
        async (service) => {
          for await (const { account, waiting, handed, oldestMs } of service.waiting(node, { signal })) {
            const oldest = oldestMs === undefined ? undefined : formatDateTime(oldestMs)
            const text = [`${waiting} waiting, ${handed} handed over`, ...(oldest === undefined ? [] : [`the oldest of ${oldest}`])].join(
              ', ',
            )
            output.tell('waiting', { node, account, waiting, handed, oldest }, ...tableLines(output, [[account, text]]))
          }
        },
      NO_QUEUES,
    ),
  )
}

/** `streamhost pubsub dead NODE`. */
export function addDead(pubsub: Command, start: Start): void {
  const dead = pubsub.command('dead').argument('<node>', 'of yours').description('tell what of a feed could not be delivered, and why')
  addListOption(dead, '--again <ID>', 'have it delivered again; repeatable')
  addListOption(dead, '--drop <ID>', 'forget it; repeatable')
  addServiceOptions(dead)
  addExamples(
    dead,
    'streamhost pubsub dead builds/nightly --account you@example.org \\',
    '  --password-file pw',
    'streamhost pubsub dead builds/nightly --again 7 --account you@example.org',
  )
  dead.action((node: string) =>
    onService(
      start,
      dead,
      ({ output, signal }) => {
        const { again = [], drop = [] } = dead.opts<{ again?: readonly string[]; drop?: readonly string[] }>()
        const twice = again.find((id) => drop.includes(id))
        if (twice !== undefined) throw new BytestreamError('ERR_CONFIG', `--again and --drop both name ${twice}`)
        return async (service) => {
          for (const id of again) {
            await service.settleDeadLetter(node, id, 'again', { signal })
            output.tell('redelivered', { node, id }, `${id} is delivered again`)
          }
          for (const id of drop) {
            await service.settleDeadLetter(node, id, 'drop', { signal })
            output.tell('dropped', { node, id }, `${id} is dropped`)
          }
          if (again.length + drop.length > 0) return
          for await (const letter of service.deadLetters(node, { signal })) {
            const { id, account, kind, itemId: item, attempts, reason } = letter
            const [published, died] = [formatDateTime(letter.publishedMs), formatDateTime(letter.diedMs)]
            const facts = { node, id, account, kind, item, published, died, attempts, reason }
            output.tell('dead', facts, ...tableLines(output, [[id, account, item, `${reason} (${attempts} times), ${died}`]]))
          }
        }
      },
      NO_QUEUES,
    ),
  )
}
