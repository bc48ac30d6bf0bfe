import type { Command } from 'commander'
import { accountOptions, type Settings, watchOptions } from '../../config/index.ts'
import { BytestreamError, bareJid, formatBytes, formatDuration } from '../../core/index.ts'
import { type FeedAddress, type FeedEvent, Feeds, type OnFeed, type WatchInit } from '../../feeds/index.ts'
import { buildJingleUri } from '../../xep/index.ts'
import { tellOffline } from '../attempts.ts'
import { accountOf, addExamples, addOptions, CommandFailure, logIn, type Run, type Start, settingsOf } from '../command-line.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { describeFailure, type Failure, type Scene, sceneOf, sentenceOf } from '../failures.ts'
import { locateFeeds, parseFeedName } from '../feed-name.ts'
import { arrivalText, tellIncoming } from '../incoming.ts'
import type { Output, TableLine } from '../output.ts'
import { timingsOf, within } from '../way.ts'
import { explained } from './feeds-command.ts'

const options = { ...accountOptions, ...watchOptions }
type WatchSettings = Settings<typeof options>

const advices = {
  'item-not-found': '"streamhost pubsub nodes" tells which feeds there are; whoever offers something on a new one creates it',
  forbidden: 'ask its owner to let you in, with "streamhost pubsub affiliations --set"',
}

/** `streamhost watch FEED…`. */
export function addWatch(program: Command, start: Start): void {
  const command = program
    .command('watch')
    .argument('<feeds...>', 'the names of their nodes, their addresses FEED@SERVICE, or xmpp:SERVICE?;node=NODE')
    .description('follow feeds, and print what is announced, or fetch it (--get), until Ctrl-C')
  addExamples(
    command,
    'streamhost watch builds/nightly --account wall7@example.org \\',
    '  --password-file pw --get builds',
    "streamhost watch builds/nightly … --get builds --key 'linux.*' --once",
    "streamhost watch photos screens … --get wall --type 'image/*' --size-max 20MiB",
    'streamhost watch builds/nightly … --json | jq -r .uri',
  )
  addOptions(command, options).action((feeds: string[]) => start(command, (run) => watch(feeds, command, run)))
}

async function watch(names: readonly string[], command: Command, given: Run): Promise<void> {
  const settings = settingsOf(command, options, given)
  const { account, at, once } = settings
  const named = names.map((name) => parseFeedName(name, at))
  using timed = within(settings['time-max'], given, 'nothing has come')
  const { run } = timed
  const { output, signal } = run
  const context = { account, method: settings.method, run, isFetching: settings.get !== undefined, scenes: new Map() }
  await using client = await logIn({ ...accountOf(settings, run), portMapping: settings['map-port'] }, run)
  tellOffline(output, client.session, account)
  await using feeds = new Feeds(client)
  try {
    const located = await locateFeeds(client, named, signal)
    const onFollowed = ({ service, node }: FeedAddress) =>
      output.tell('watching', { service, node }, `watching ${node} at ${service}; Ctrl-C ends it`)
    const onPending = ({ service, node }: FeedAddress) =>
      output.complain(`watching ${node} at ${service}, once its owner lets us; Ctrl-C ends it`)
    await follow(feeds.watch(located, { ...initOf(settings), onFollowed, onPending, signal }), context, once)
  } catch (thrown) {
    // The user has seen enough, or the time is over that was set for it.
    if (once || !signal.aborted) throw explained(thrown, advices)
  }
}

/** What is told of events by. */
interface Context {
  readonly run: Run
  readonly account: string
  readonly method: WatchSettings['method']
  /** Whether files are fetched, or only told of. */
  readonly isFetching: boolean
  /** Of what is being fetched, by its id. */
  readonly scenes: Map<string, () => Scene>
}

/** Goes on until the watch ends by itself: what is printed last is acknowledged when what follows is asked for. */
async function follow(events: AsyncIterable<FeedEvent>, context: Context, once: boolean): Promise<void> {
  let isDone = false
  for await (const event of events) {
    const { kind } = event
    tellEvent(event, context)
    if (once && kind === 'failed') throw new CommandFailure(event.error, exitCodeOf(event.error), failureOf(event, context))
    isDone ||= once && (kind === 'announced' ? !context.isFetching : kind === 'fetched' || kind === 'there already')
  }
  if (isDone) return
  throw new CommandFailure(new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no feed left to watch'), EXIT.absent)
}

function initOf(settings: WatchSettings): WatchInit {
  const { get: into, key: keys, type: mediaTypes, once, concurrency, method, 'size-max': sizeBytesMax, 'any-owner': anyOwner } = settings
  // What is fetched beside the first one would be there without having been told of.
  return {
    into,
    keys,
    accept: { mediaTypes, sizeBytesMax },
    once,
    concurrency: once ? 1 : concurrency,
    anyOwner,
    method,
    timings: timingsOf(settings),
  }
}

const line = (node: string, text: string): TableLine => ({ text: `${node}  ${text}`, indent: 2 })

function tellEvent(event: FeedEvent, context: Context): void {
  const { account, method, run } = context
  const { output } = run
  const { kind, service, node } = event
  switch (kind) {
    case 'announced':
      return tellAnnounced(output, event, context.isFetching)
    case 'fetching':
      context.scenes.set(event.announcement.id, sceneOf({ account, method, isAsked: true }, event.transfer))
      return tellIncoming(output, event.transfer, 'what is missing is fetched when it can be had again')
    case 'fetched':
    case 'there already':
      return tellArrived(output, event)
    case 'paused':
      return tellPaused(event, context)
    case 'failed':
    case 'passed over':
      return tellMissing(event, context)
    case 'withdrawn':
    case 'expired':
      return output.tell(kind, { service, node, id: event.id }, line(node, `${kind}: ${event.id}`))
    case 'said':
      return output.tell('said', { service, node, id: event.id, publisher: event.publisher, text: event.text }, line(node, event.text))
    case 'closed':
      return output.tell('closed', { service, node, reason: event.reason }, line(node, closings[event.reason]))
  }
}

const closings = { deleted: 'the feed was deleted', unsubscribed: 'its owner has ended our subscription' } as const

function tellAnnounced(
  output: Output,
  { service, node, publisher, announcement, fresh }: OnFeed & { fresh: boolean },
  isFetching: boolean,
): void {
  const { id, owner, file, state, expiresMs, routingKey: key, downloadsMax } = announcement
  const { name, sizeBytes: size, mediaType: type, description } = file
  const sha256 = file.hashes.find(({ algo }) => algo === 'sha-256')?.value.toString('hex')
  const uri = buildJingleUri({ jid: owner, id })
  const facts = {
    service,
    node,
    id,
    uri,
    owner,
    publisher,
    name,
    size,
    type,
    sha256,
    description,
    key,
    state,
    expiresMs,
    downloadsMax,
    fresh,
  }
  const what = [name, ...(size === undefined ? [] : [formatBytes(size)]), `from ${bareJid(owner)}`].join(', ')
  const text = line(node, description ? `${what}: ${description}` : what)
  output.tell('announced', facts, text, ...(isFetching ? [] : [`  ${uri}`]))
}

function tellArrived(output: Output, event: Extract<FeedEvent, { kind: 'fetched' | 'there already' }>): void {
  const { service, node, announcement, path, bytes: size, sha256 } = event
  const { id, owner: from } = announcement
  const facts = { service, node, id, path, from, size, sha256 }
  if (event.kind === 'there already') return output.tell('received', { ...facts, alreadyThere: true }, `${path}: was here already`)
  const { verified, method, durationMs, resumedFrom } = event.result
  output.tell('received', { ...facts, verified, method, durationMs, resumedFrom }, arrivalText(bareJid(from), event.result))
}

function tellPaused(event: Extract<FeedEvent, { kind: 'paused' }>, context: Context): void {
  const { service, node, announcement, error, retryMs } = event
  const { id, owner, file } = announcement
  const why = error ? failureOf({ ...event, error }, context).text : `${bareJid(owner)} is away`
  const again = retryMs === undefined ? 'it is fetched when it is announced again' : `trying again in ${formatDuration(retryMs)}`
  context.run.output.tell(
    'paused',
    { service, node, id, code: error?.code, message: error?.message, retryMs },
    line(node, `${file.name} waits: ${why}; ${again}`),
  )
}

function tellMissing(event: Extract<FeedEvent, { kind: 'failed' | 'passed over' }>, context: Context): void {
  const { output } = context.run
  const { service, node, announcement, error } = event
  const { id, file } = announcement
  const { code, message } = error
  const about = { service, node, id, code, message }
  if (event.kind === 'passed over') {
    const advice = code === 'ERR_FORBIDDEN' ? '; --any-owner fetches that, too' : ''
    output.tell('passed over', about, line(node, `${file.name}: not fetched: ${message}${advice}`))
    return
  }
  const failure = failureOf(event, context)
  output.tell('failed', { ...about, hop: failure.hop })
  output.complain(`${node}  ${file.name}: not fetched: ${sentenceOf(failure)}`)
}

/** What was wrong with a file, as far as somebody was asked for it. */
function failureOf(event: OnFeed & { error: BytestreamError }, { run, account, method, scenes }: Context): Failure {
  const { error, announcement } = event
  const scene = scenes.get(announcement.id)
  scenes.delete(announcement.id)
  return describeFailure(error, scene?.() ?? { account, method, peer: announcement.owner, direction: 'receive', isAsked: true }, run.signal)
}
