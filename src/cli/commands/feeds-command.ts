import { BytestreamError, StanzaError } from '../../core/index.ts'
import type { TransferClient } from '../../transfer/index.ts'
import { CommandFailure } from '../command-line.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { describeFailure } from '../failures.ts'

/** What to do about a refusal, by its condition: XEP-0060's own, or else that of RFC 6120. */
type Advices = Readonly<Record<string, string>>

const advices: Advices = {
  'closed-node': 'ask its owner to put you on its list, with "streamhost pubsub affiliations --set"',
  'presence-subscription-required': 'subscribe to the presence of its owner first',
  'not-in-roster-group': 'its owner has to put you into a group of the roster',
  'pending-subscription': 'its owner lets you in with "streamhost pubsub approve"',
  'item-not-found': '"streamhost pubsub nodes" tells which feeds there are',
  'service-unavailable': '"streamhost disco" tells what the service does',
  'feature-not-implemented': '"streamhost disco" tells what the service does',
}

/** A refusal with what to do about it. */
export function explained(thrown: unknown, own: Advices): unknown {
  if (!(thrown instanceof StanzaError)) return thrown
  const { condition, application } = thrown.stanzaError
  const all = { ...advices, ...own }
  const advice = all[application?.[0] ?? ''] ?? all[condition]
  if (advice === undefined) return thrown
  return new CommandFailure(new BytestreamError(thrown.code, `${thrown.message}; ${advice}`, { cause: thrown }), exitCodeOf(thrown))
}

/**
 * Settles as `work` does, unless the account is logged out for good before.
 *
 * @throws CommandFailure which says why
 */
export async function untilEnded(client: TransferClient, account: string, work: Promise<void>): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => {
    client.session.on('ended', ({ error }) => {
      if (error) reject(new CommandFailure(error, exitCodeOf(error), describeFailure(error, { account })))
      else resolve()
    })
  })
  await Promise.race([work, ended])
}
