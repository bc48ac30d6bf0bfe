import type { Command } from 'commander'
import { accountOptions, notifyOptions, type Settings } from '../../config/index.ts'
import { BytestreamError, formatBytes, formatDuration } from '../../core/index.ts'
import { type Addressee, Feeds, type Notified } from '../../feeds/index.ts'
import { tellOffline } from '../attempts.ts'
import { accountOf, addExamples, addOptions, CommandFailure, logIn, type Run, type Start, settingsOf } from '../command-line.ts'
import { EXIT } from '../exit-codes.ts'
import { serveOffers, tellDownloads } from '../outgoing.ts'
import type { Output } from '../output.ts'
import { readInput } from '../read-input.ts'
import { timingsOf } from '../way.ts'
import { explained, untilEnded } from './feeds-command.ts'

const options = { ...accountOptions, ...notifyOptions }
type NotifySettings = Settings<typeof options>

/** Octets of a message: servers take more, people do not. */
const TEXT_BYTES_MAX = 65_536

const advices = {
  'registration-required': 'its members alone may enter it: ask its owner to let you in',
  'item-not-found': 'check the address',
}

/** `streamhost notify JID TEXT`. */
export function addNotify(program: Command, start: Start): void {
  const command = program
    .command('notify')
    .argument('<jid>', 'who is told: an account, a room, a feed, or xmpp:SERVICE?;node=NODE')
    .argument('<text>', 'what; - reads it from stdin')
    .description('say something, from a script: to somebody, in a room or on a feed, also with a file')
  addExamples(
    command,
    'streamhost notify team@rooms.example.org "disk full" \\',
    '  --account bot@example.org --password-file pw',
    'df -h | streamhost notify you@example.org - …',
    'streamhost notify you@example.org "last night" … --file big.log --for 12h',
  )
  addOptions(command, options).action((jid: string, text: string) => start(command, (run) => notify(jid, text, command, run)))
}

async function notify(to: string, given: string, command: Command, run: Run): Promise<void> {
  const settings = settingsOf(command, options, run)
  const { account, file, method, type: mimeType } = settings
  const text = textOf(given)
  const { output, signal } = run
  const forFile = file !== undefined
  await using client = await logIn({ ...accountOf(settings, run), reconnect: forFile, portMapping: settings['map-port'] }, run)
  tellOffline(output, client.session, account)
  await using feeds = new Feeds(client, { method, timings: timingsOf(settings) })
  const limits = { forMs: settings.for, downloadsMax: settings['downloads-max'] }
  const notified = await feeds.notify(to, { text, file, mimeType, ...(forFile && limits), signal }).catch((thrown: unknown) => {
    throw explained(thrown, advices)
  })
  tellNotified(output, notified, settings)
  const { offer } = notified
  if (!offer || file === undefined) return
  const told = { offer, path: file, account }
  tellDownloads(run, told)
  await untilEnded(
    client,
    account,
    serveOffers(run, [told], ({ offer: each }) => each.withdraw()),
  )
  if (offer.end?.reason !== 'expired' || offer.downloads > 0) return
  const message = `nobody has fetched ${file} within ${formatDuration(settings.for)}`
  throw new CommandFailure(new BytestreamError('ERR_TIMEOUT', message), EXIT.absent)
}

/** What is to be said. @throws BytestreamError `ERR_CONFIG` for nothing, and for what is too long; `ERR_FILE` */
function textOf(given: string): string {
  const text = (given === '-' ? readInput('-', 'to be said') : given).trim()
  const octets = Buffer.byteLength(text)
  if (octets === 0)
    throw new BytestreamError('ERR_CONFIG', given === '-' ? 'there is nothing on stdin to say' : 'say something: the text is empty')
  if (octets <= TEXT_BYTES_MAX) return text
  throw new BytestreamError('ERR_CONFIG', `${formatBytes(octets)} are too much to say: put them into a file, and name it with --file`)
}

function tellNotified(output: Output, { addressee, offer }: Notified, { file: path, for: forMs }: NotifySettings): void {
  const { kind } = addressee
  const to = addressee.kind === 'feed' ? addressee.service : addressee.jid
  const node = addressee.kind === 'feed' ? addressee.node : undefined
  output.tell('notified', { kind, to, node }, whereText(addressee))
  if (!offer || path === undefined) return
  const { id, uri, announcement } = offer
  const { owner, expiresMs, downloadsMax, file } = announcement
  const { sizeBytes: size = 0 } = file
  const often = downloadsMax === undefined ? '' : downloadsMax === 1 ? ', once' : `, ${downloadsMax} times`
  const text = `${path}: ${formatBytes(size)} on offer${often}, for ${formatDuration(forMs)}; Ctrl-C takes it back`
  output.tell('offered', { path, id, uri, owner, size, expiresMs, downloadsMax }, text, `  ${uri}`)
}

function whereText(addressee: Addressee): string {
  switch (addressee.kind) {
    case 'user':
      return `told ${addressee.jid}`
    case 'room':
      return `said in the room ${addressee.jid}`
    case 'feed':
      return `published at ${addressee.node} of ${addressee.service}`
  }
}
