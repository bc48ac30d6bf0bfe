import type { Command } from 'commander'
import { BytestreamError, prepareJid } from '../../core/index.ts'
import type { PubsubClient } from '../../pubsub-client/index.ts'
import { addExamples, type Run, type Start } from '../command-line.ts'
import { addServiceOptions, type OnService, onService } from './pubsub-command.ts'
import { tableLines } from './pubsub-lines.ts'

/** `streamhost pubsub pending [NODE]`. */
export function addPending(pubsub: Command, start: Start): void {
  const pending = pubsub
    .command('pending')
    .argument('[node]', 'at which (default: any of yours)')
    .description('tell who waits for you, as the owner of a node, to be let in')
  addServiceOptions(pending)
  addExamples(pending, 'streamhost pubsub pending --account you@example.org --password-file pw')
  pending.action((node: string | undefined) =>
    onService(start, pending, ({ output, signal }) => async (service) => {
      for await (const { node: name, jid, subid } of service.pending(node, { signal })) {
        output.tell('pending', { node: name, jid, subid }, ...tableLines(output, [[name, jid, subid ?? '']]))
      }
    }),
  )
}

/** `streamhost pubsub approve NODE JID…`. */
export function addApprove(pubsub: Command, start: Start): void {
  const approve = pubsub.command('approve').description('let those subscribe who wait for you, as "pending" tells them')
  addDecision(approve, start, async (service, { node, jid, subid }, { output, signal }) => {
    await service.approve(node, jid, { subid, signal })
    output.tell('approved', { node, jid, subid }, `${jid} may subscribe to ${node}`)
  })
}

/** `streamhost pubsub deny NODE JID…`. */
export function addDeny(pubsub: Command, start: Start): void {
  const deny = pubsub.command('deny').description('refuse those who wait for you, as "pending" tells them')
  addDecision(deny, start, async (service, { node, jid, subid }, { output, signal }) => {
    await service.deny(node, jid, { subid, signal })
    output.tell('denied', { node, jid, subid }, `${jid} may not subscribe to ${node}`)
  })
}

interface Request {
  readonly node: string
  readonly jid: string
  readonly subid: string | undefined
}

const WHO_WAITS = '"streamhost pubsub pending" tells who waits'

type Decide = (service: PubsubClient, request: Request, run: Run) => Promise<void>

function addDecision(command: Command, start: Start, decide: Decide): void {
  command.argument('<node>', 'to which').argument('<jids...>', 'who').option('--subid <ID>', 'which request, where one JID has several')
  addServiceOptions(command)
  addExamples(command, `streamhost pubsub ${command.name()} builds them@example.org \\`, '  --account you@example.org --password-file pw')
  const prepare: OnService = (run) => {
    const { subid } = command.opts<{ subid?: string }>()
    const [node = '', ...given] = command.args
    const jids = given.map(prepareJid)
    if (subid !== undefined && jids.length > 1) throw new BytestreamError('ERR_CONFIG', '--subid is of one request: name one JID')
    return async (service) => {
      for (const jid of jids) await decide(service, { node, jid, subid }, run)
    }
  }
  const advices = { 'not-subscribed': WHO_WAITS, 'invalid-subid': WHO_WAITS, 'subid-required': WHO_WAITS, 'unexpected-request': WHO_WAITS }
  command.action(() => onService(start, command, prepare, advices))
}
