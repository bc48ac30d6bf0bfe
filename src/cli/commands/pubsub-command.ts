import type { Command } from 'commander'
import { accountOptions } from '../../config/index.ts'
import { BytestreamError, prepareJid, StanzaError } from '../../core/index.ts'
import { type FieldChanges, PubsubClient } from '../../pubsub-client/index.ts'
import type { TransferClient } from '../../transfer/index.ts'
import { accountOf, addListOption, addOptions, CommandFailure, logIn, type Run, type Start, settingsOf } from '../command-line.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'

/** Looks at what a command was told, and says what it does once it has its service. */
export type OnService = (run: Run) => (pubsub: PubsubClient) => Promise<void>

/** Adds what every command needs to get to a service. */
export function addServiceOptions(command: Command): Command {
  command.option('--to <SERVICE>', "the service (default: the first that the account's server names)")
  return addOptions(command, accountOptions)
}

/** Adds `--set`, for the fields of a form. */
export function addSet(command: Command, help: string): Command {
  return addListOption(command, '--set <FIELD=VALUE>', `${help}; repeatable, also for several values of one field`)
}

/** What to do about a refusal, by its condition: XEP-0060's own, or else that of RFC 6120. */
type Advices = Readonly<Record<string, string>>

/**
 * Logs in, finds the service, and has the command ask it.
 *
 * @param own advices that are of this command alone
 */
export function onService(start: Start, command: Command, prepare: OnService, own: Advices = {}): Promise<void> {
  return start(command, async (run) => {
    const { to } = command.opts<{ to?: string }>()
    const service = to === undefined ? undefined : prepareJid(to)
    const ask = prepare(run)
    const init = { ...accountOf(settingsOf(command, accountOptions, run), run), reconnect: false }
    await using client = await logIn(init, run)
    const pubsub = service === undefined ? await findService(client, run.signal) : new PubsubClient(client.session, service)
    try {
      await ask(pubsub)
    } catch (thrown) {
      throw explained(thrown, { ...advices, ...own })
    }
  })
}

async function findService({ session }: TransferClient, signal: AbortSignal): Promise<PubsubClient> {
  try {
    return await PubsubClient.find(session, { signal })
  } catch (thrown) {
    if (!(thrown instanceof BytestreamError) || thrown.code !== 'ERR_SERVICE_UNAVAILABLE') throw thrown
    throw new CommandFailure(new BytestreamError(thrown.code, `${thrown.message}; name one with --to`, { cause: thrown }), EXIT.absent)
  }
}

const advices: Advices = {
  'closed-node': 'ask its owner to put you on its list, with "streamhost pubsub affiliations --set"',
  'presence-subscription-required': 'subscribe to the presence of its owner first',
  'not-in-roster-group': 'its owner has to put you into a group of the roster',
  'pending-subscription': 'its owner lets you in with "streamhost pubsub approve"',
  'subid-required': 'there are several subscriptions: name one with --subid, as "streamhost pubsub subscriptions" has them',
  'invalid-subid': '"streamhost pubsub subscriptions" tells which there are',
  'not-subscribed': 'subscribe first, with "streamhost pubsub subscribe"',
  'payload-too-big': 'publish something shorter, or raise max_payload_size with "streamhost pubsub configure"',
  'precondition-not-met': '"streamhost pubsub configure" tells how the node is configured',
  'nodeid-required': 'name a node',
  'item-not-found': '"streamhost pubsub nodes" tells which nodes there are',
  conflict: 'choose another name, or change that one with "streamhost pubsub configure"',
  forbidden: '"streamhost pubsub affiliations" tells what you are to the node',
  'not-acceptable': '"streamhost pubsub configure" tells what there is to choose from',
  'feature-not-implemented': '"streamhost disco" tells what the service does',
  'service-unavailable': '"streamhost disco" tells what the service does',
}

/** A refusal with what to do about it. */
function explained(thrown: unknown, advices: Advices): unknown {
  if (!(thrown instanceof StanzaError)) return thrown
  const { condition, application } = thrown.stanzaError
  const advice = advices[application?.[0] ?? ''] ?? advices[condition]
  if (advice === undefined) return thrown
  return new CommandFailure(new BytestreamError(thrown.code, `${thrown.message}; ${advice}`, { cause: thrown }), exitCodeOf(thrown))
}

/** The fields a command was told to set: those named several times have several values. */
export function changesOf(command: Command, option: 'set' | 'require' = 'set'): FieldChanges | undefined {
  const given = command.opts<Record<string, unknown>>()[option] as readonly string[] | undefined
  if (given === undefined) return undefined
  const changes = new Map<string, string[]>()
  for (const text of given) {
    const [name, value] = splitPair(text, `--${option}`, 'FIELD=VALUE, such as title=Builds')
    changes.set(name, [...(changes.get(name) ?? []), value])
  }
  return Object.fromEntries(changes)
}

/** @throws BytestreamError `ERR_CONFIG` for what is no pair */
export function splitPair(text: string, option: string, expected: string): readonly [name: string, value: string] {
  const at = text.indexOf('=')
  if (at <= 0) throw new BytestreamError('ERR_CONFIG', `${option}: "${text}" is wrong: expected ${expected}`)
  return [text.slice(0, at), text.slice(at + 1)]
}

/** @throws BytestreamError `ERR_CONFIG` for what is no whole number from 1 on */
export function countOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new BytestreamError('ERR_CONFIG', `${option}: "${text}" is wrong: expected a whole number, such as 10`)
}
