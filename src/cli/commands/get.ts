import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Command } from 'commander'
import { accountOptions, getOptions, type Settings } from '../../config/index.ts'
import { BytestreamError, bareJid, formatDuration, toBytestreamError } from '../../core/index.ts'
import { Feeds, type GetInit } from '../../feeds/index.ts'
import type { Transfer } from '../../transfer/index.ts'
import { parseJingleUri } from '../../xep/index.ts'
import { tellOffline } from '../attempts.ts'
import { accountOf, addExamples, addOptions, CommandFailure, logIn, type Run, type Start, settingsOf } from '../command-line.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { describeFailure, sceneOf, sentenceOf } from '../failures.ts'
import { arrivalText, tellIncoming } from '../incoming.ts'
import { readInput } from '../read-input.ts'
import { timingsOf, within } from '../way.ts'

const options = { ...accountOptions, ...getOptions }
type GetSettings = Settings<typeof options>

/** `streamhost get URI…`. */
export function addGet(program: Command, start: Start): void {
  const command = program
    .command('get')
    .argument('<uris...>', 'links such as xmpp:ci@example.org?jingle;id=…, or - to read them from stdin')
    .description('fetch what is on offer, by its xmpp: link')
  addExamples(
    command,
    "streamhost get 'xmpp:ci@example.org?jingle;id=9559976B' --into inbox \\",
    '  --account you@example.org --password-file pw',
    "streamhost get 'xmpp:ci@example.org?jingle;id=9559976B' … --out image.iso",
    'grep -o "xmpp:[^ ]*" chat.log | streamhost get - … --into inbox',
  )
  addOptions(command, options).action((uris: string[]) => start(command, (run) => get(uris, command, run)))
}

async function get(texts: readonly string[], command: Command, given: Run): Promise<void> {
  const settings = settingsOf(command, options, given)
  const { account, method } = settings
  const uris = texts.flatMap((text) => (text === '-' ? linksIn(readInput('-', 'to be read')) : [text]))
  for (const uri of uris) parseJingleUri(uri)
  const init = placeOf(settings, uris.length)
  using timed = within(settings['time-max'], given, 'not everything was fetched')
  const { run } = timed
  const { output, signal } = run
  await using client = await logIn({ ...accountOf(settings, run), portMapping: settings['map-port'] }, run)
  tellOffline(output, client.session, account)
  await using feeds = new Feeds(client)
  const retry = { forMs: settings['retry-for'] }
  const fetched = uris.map((uri) => ({
    uri,
    transfer: feeds.get(uri, { ...init, method, timings: timingsOf(settings), retry, signal }),
  }))
  const failures = await Promise.all(fetched.map((each) => tellFetched(run, each, { account, method, isAlone: uris.length === 1 })))
  output.close()
  const failed = failures.flatMap((failure) => failure ?? [])
  const [first] = failed
  if (!first) return
  if (uris.length === 1) throw first
  const summary = new BytestreamError(first.error.code, `${failed.length} of ${uris.length} files were not fetched`, { cause: first.error })
  throw new CommandFailure(summary, Math.min(...failed.map(({ exitCode }) => exitCode)))
}

/** Links of files on offer, wherever they stand in a text. @throws BytestreamError `ERR_CONFIG` without any */
function linksIn(text: string): readonly string[] {
  const links = [...new Set(text.match(/xmpp:[^\s<>"]+\?jingle;[^\s<>"]+/gi))]
  if (links.length === 0) throw new BytestreamError('ERR_CONFIG', 'there is no link on stdin, such as xmpp:ci@example.org?jingle;id=…')
  return links
}

/** Where files are stored, and under which name, where that is not theirs. */
function placeOf({ into, out }: GetSettings, count: number): Pick<GetInit, 'into' | 'as'> {
  if (out !== undefined && into !== undefined)
    throw new BytestreamError('ERR_CONFIG', '--into and --out exclude each other: name one of them')
  if (into !== undefined) return { into }
  if (out === undefined) throw new BytestreamError('ERR_CONFIG', '--into is missing: expected DIR, where files are stored, or --out FILE')
  if (count > 1) throw new BytestreamError('ERR_CONFIG', `--out is of one file, and ${count} are to be fetched: name a folder with --into`)
  if (existsSync(out)) throw new BytestreamError('ERR_FILE_EXISTS', `${out} is there already, and is not overwritten`)
  return { into: dirname(out), as: basename(out) }
}

interface Fetched {
  readonly uri: string
  readonly transfer: Transfer
}

/** Tells of one file. @returns how it has failed */
async function tellFetched(
  { output, signal }: Run,
  { uri, transfer }: Fetched,
  { isAlone, ...about }: { readonly account: string; readonly method: GetSettings['method']; readonly isAlone: boolean },
): Promise<CommandFailure | undefined> {
  const scene = sceneOf({ ...about, isAsked: true }, transfer)
  tellIncoming(output, transfer, 'the same command goes on with them')
  transfer.on('interrupted', ({ error, attempt, retryMs }) => {
    const { code, message } = error
    const { hop, text } = describeFailure(error, scene())
    output.tell('interrupted', { uri, code, message, hop, attempt, retryMs })
    output.complain(`${transfer.name}: interrupted: ${text}; trying again in ${formatDuration(retryMs)}`)
  })
  try {
    const result = await transfer.done
    const { path, size, sha256, verified, alreadyThere, method, durationMs, resumedFrom } = result
    const { peer: from } = transfer
    const facts = { uri, path, from, size, sha256, verified, alreadyThere: alreadyThere || undefined, method, durationMs, resumedFrom }
    output.tell('received', facts, arrivalText(bareJid(from), result))
    return undefined
  } catch (thrown) {
    const error = toBytestreamError(thrown)
    const { code, message } = error
    const failure = describeFailure(error, scene(), signal)
    const { hop } = failure
    output.tell('failed', { uri, code, message, hop })
    if (!isAlone && !signal.aborted) output.complain(`${uri}: ${sentenceOf(failure)}`)
    return new CommandFailure(error, exitCodeOf(error), failure)
  }
}
