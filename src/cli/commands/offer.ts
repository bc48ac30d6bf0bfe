import type { Command } from 'commander'
import { accountOptions, offerOptions, type Settings } from '../../config/index.ts'
import { BytestreamError, formatBytes, formatDuration, StanzaError, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import { type FeedAddress, Feeds, type OfferInit } from '../../feeds/index.ts'
import { PubsubClient } from '../../pubsub-client/index.ts'
import type { TransferClient } from '../../transfer/index.ts'
import { tellOffline } from '../attempts.ts'
import { accountOf, addExamples, addOptions, CommandFailure, logIn, type Run, type Start, settingsOf } from '../command-line.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { locateFeeds, parseFeedName } from '../feed-name.ts'
import { serveOffers, type ToldOffer, tellDownloads } from '../outgoing.ts'
import type { Output } from '../output.ts'
import { timingsOf } from '../way.ts'
import { explained, untilEnded } from './feeds-command.ts'

const options = { ...accountOptions, ...offerOptions }
type OfferSettings = Settings<typeof options>

const advices = {
  forbidden: 'ask its owner to let you publish, with "streamhost pubsub affiliations --set", or choose another name',
  'not-allowed': 'the service lets you create no feed of that name; "streamhost pubsub nodes" tells which there are',
}

/** `streamhost offer FEED FILE…`. */
export function addOffer(program: Command, start: Start): void {
  const command = program
    .command('offer')
    .argument(
      '<feed>',
      'where it is announced: the name of a node, made if it is not there, its address FEED@SERVICE, or xmpp:SERVICE?;node=NODE',
    )
    .argument('<files...>', 'what is on offer')
    .description('announce files on a feed, and send them to whoever asks, until Ctrl-C')
  addExamples(
    command,
    'streamhost offer builds/nightly image.iso --account ci@example.org \\',
    '  --password-file pw',
    'streamhost offer builds/nightly image.iso … --for 24h --key linux.amd64',
    'streamhost offer photos *.jpg … --to friend@example.org --downloads-max 1',
    'streamhost offer photos cat.jpg … --at feeds.example.org --keep',
  )
  addOptions(command, options).action((feed: string, files: string[]) => start(command, (run) => offer(feed, files, command, run)))
}

async function offer(name: string, paths: readonly string[], command: Command, run: Run): Promise<void> {
  const settings = settingsOf(command, options, run)
  const { account, method, at } = settings
  const named = parseFeedName(name, at)
  await using client = await logIn({ ...accountOf(settings, run), portMapping: settings['map-port'] }, run)
  tellOffline(run.output, client.session, account)
  const [feed] = (await locateFeeds(client, [named], run.signal)) as [FeedAddress]
  await using feeds = new Feeds(client, { method, timings: timingsOf(settings) })
  const { told, failures } = await announce({ client, feeds, feed }, paths, { settings, run })
  const those = told.length === 1 ? 'it' : 'them'
  const after = settings.keep ? `leaves ${those} announced, as paused` : `takes ${those} back`
  run.output.tell('ready', { jid: client.jid, offers: told.length }, `Ctrl-C ${after}`)
  const leave = (each: ToldOffer) => (settings.keep ? each.offer.pause() : each.offer.withdraw())
  await untilEnded(client, account, serveOffers(run, told, leave))
  const [first] = failures
  if (!first) return
  const summary = new BytestreamError(first.code, `${failures.length} of ${paths.length} files were not offered`, { cause: first })
  throw new CommandFailure(summary, exitCodeOf(first))
}

interface Announcing {
  readonly client: TransferClient
  readonly feeds: Feeds
  readonly feed: FeedAddress
}

/** Announces one after the other; a file that cannot be read is no matter of the others. */
async function announce(
  { client, feeds, feed }: Announcing,
  paths: readonly string[],
  { settings, run }: { readonly settings: OfferSettings; readonly run: Run },
): Promise<{ readonly told: readonly ToldOffer[]; readonly failures: readonly BytestreamError[] }> {
  const { output, signal } = run
  const told: ToldOffer[] = []
  const failures: BytestreamError[] = []
  const isNew = await isMissing(client, feed, signal)
  for (const path of paths) {
    try {
      throwIfAborted(signal)
      const each = { offer: await feeds.offer(feed, path, { ...initOf(settings), signal }), path, account: settings.account }
      if (isNew && told.length === 0) output.tell('created', { ...feed }, `created the feed ${feed.node} at ${feed.service}`)
      told.push(each)
      tellDownloads(run, each)
      tellOffer(output, each, { feed, settings })
    } catch (thrown) {
      const error = toBytestreamError(thrown)
      if ((error.code !== 'ERR_FILE' && error.code !== 'ERR_INTEGRITY') || paths.length === 1) throw explained(thrown, advices)
      failures.push(error)
      const { code, message } = error
      output.tell('failed', { path, code, message })
      output.complain(message)
    }
  }
  return { told, failures }
}

/** Whether offering anything would create it. */
async function isMissing({ session }: TransferClient, { service, node }: FeedAddress, signal: AbortSignal): Promise<boolean> {
  try {
    await new PubsubClient(session, service).describe(node, { signal })
    return false
  } catch (thrown) {
    if (!(thrown instanceof StanzaError)) throw thrown
    return thrown.condition === 'item-not-found'
  }
}

function initOf(settings: OfferSettings): OfferInit {
  const { to, key: routingKey, description, type: mimeType, hash: hashes, pep: onPep, keep, for: forMs } = settings
  const { 'downloads-max': downloadsMax, 'at-once-max': atOnceMax } = settings
  return { to, routingKey, description, mimeType, hashes, onPep, keep: keep ? 'pause' : 'withdraw', forMs, downloadsMax, atOnceMax }
}

function tellOffer(output: Output, { offer, path }: ToldOffer, { feed, settings }: { feed: FeedAddress; settings: OfferSettings }): void {
  const { service, node } = feed
  const { id, uri, announcement } = offer
  const { owner, expiresMs, routingKey: key, downloadsMax, atOnceMax, file } = announcement
  const { sizeBytes: size = 0 } = file
  const { to, for: forMs, pep } = settings
  const facts = { path, service, node, id, uri, owner, size, key, to, expiresMs, downloadsMax, atOnceMax, pep }
  const whom = to ? `to ${to.join(', ')}` : 'to whoever may see that'
  const bounds = [
    ...(pep ? ['and to your contacts'] : []),
    ...(downloadsMax === undefined ? [] : [`${downloadsMax === 1 ? 'once' : `${downloadsMax} times`}`]),
    ...(atOnceMax === undefined ? [] : [`${atOnceMax} at once`]),
    ...(forMs === undefined ? [] : [`for ${formatDuration(forMs)}`]),
  ]
  const text = [`${path}: ${formatBytes(size)} on offer at ${node} of ${service}, ${whom}`, ...bounds].join(', ')
  output.tell('offered', facts, text, `  ${uri}`)
  offer.on('announced', (again) => output.tell('announced', { path, id, owner: again.owner }))
}
