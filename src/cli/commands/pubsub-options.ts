import type { Command } from 'commander'
import { addExamples, type Start } from '../command-line.ts'
import { addSet, changesOf, onService } from './pubsub-command.ts'
import { tellForm } from './pubsub-lines.ts'
import { addSubscriber, subscriberOf } from './pubsub-subscriptions.ts'

/** `streamhost pubsub options NODE`. */
export function addSubscriptionOptions(pubsub: Command, start: Start): void {
  const command = pubsub.command('options').argument('<node>', 'of which').description('tell the options of a subscription, or change them')
  addSubscriber(addSet(command, 'what to change, such as deliver=false'))
  addExamples(
    command,
    'streamhost pubsub options news --account you@example.org --password-file pw',
    'streamhost pubsub options news --set deliver=false --account you@example.org',
  )
  command.action((node: string) =>
    onService(start, command, ({ output, signal }) => {
      const changes = changesOf(command)
      const init = { ...subscriberOf(command), signal }
      return async (service) => {
        if (changes === undefined) return tellForm(output, await service.settings(node, init))
        await service.changeSettings(node, changes, init)
        output.tell('configured', { node, changes }, `configured the subscription to ${node}`)
      }
    }),
  )
}
