import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Command } from 'commander'
import { accountOptions, loadHashList, receiveOptions, type Settings } from '../../config/index.ts'
import { abortError, BytestreamError, systemClock, throwIfAborted } from '../../core/index.ts'
import type { ReceiveInit, Transfer } from '../../transfer/index.ts'
import { tellOffline } from '../attempts.ts'
import { accountOf, addExamples, addOptions, CommandFailure, logIn, type Run, type Start, settingsOf } from '../command-line.ts'
import { exitCodeOf } from '../exit-codes.ts'
import { describeFailure, type Failure, sceneOf, sentenceOf } from '../failures.ts'
import { firstWhole } from '../first-whole.ts'
import { arrivalText, tellIncoming } from '../incoming.ts'
import type { Output } from '../output.ts'
import { timingsOf, within, withResource } from '../way.ts'

const options = { ...accountOptions, ...receiveOptions }

/** `streamhost receive --into DIR --from JID`. */
export function addReceive(program: Command, start: Start): void {
  const command = program.command('receive').description('accept files into a folder')
  addExamples(
    command,
    'streamhost receive --account friend@example.org --password-file pw \\',
    '  --into inbox --from you@example.org',
    'streamhost receive … --out report.pdf --from you@example.org',
    "streamhost receive … --into inbox --from you@example.org --name '*.jpg' \\",
    '  --file-max 20MiB --total-max 1GiB',
  )
  addOptions(command, options).action(() => start(command, (run) => receive(command, run)))
}

async function receive(command: Command, given: Run): Promise<void> {
  const settings = settingsOf(command, options, given)
  const { from, method, resource } = settings
  using timed = within(settings['time-max'], given, 'no file has come')
  const { run } = timed
  const { output, signal } = run
  const { into, storeAs } = placeOf(settings)
  const once = settings.once || storeAs !== undefined
  const rules = rulesOf(settings, once)
  const forMs = settings['retry-for']
  const account = accountOf(settings, run)
  const jid = withResource('account', account.jid, resource)
  const reconnect = !once || forMs > 0
  await using client = await logIn({ ...account, jid, reconnect, portMapping: settings['map-port'] }, run)
  const receiver = client.receive({ into, from, method, storeAs, timings: timingsOf(settings), ...rules })
  output.tell('ready', { jid: client.jid, into, from }, `${client.jid} accepts files from ${from.join(', ')} into ${into}`)
  const about = { account: jid, method }
  receiver.on('declined', ({ from: sender, error }) => {
    const { code, message } = error
    const failure = describeFailure(error, { ...about, peer: sender, direction: 'receive' })
    const { hop } = failure
    output.tell('declined', { from: sender, code, message, hop })
    output.complain(`declined a file from ${sender}: ${sentenceOf(failure)}`)
  })
  let last: Failure | undefined
  receiver.on('transfer', (transfer) => {
    const scene = sceneOf(about, transfer)
    transfer.on('failed', (error) => {
      last = describeFailure(error, scene(), signal)
      tellFailure(run, transfer, error, last)
    })
    tell(output, transfer)
  })
  tellOffline(output, client.session, jid)

  throwIfAborted(signal)
  await new Promise<void>((resolve, reject) => {
    client.session.on('ended', ({ error }) =>
      error ? reject(new CommandFailure(error, exitCodeOf(error), describeFailure(error, { account: jid }))) : resolve(),
    )
    const onAbort = () => {
      const isIdle = receiver.running.size === 0 && !once
      // Whoever sends hears that it was a person, and does not try again.
      for (const transfer of receiver.running) transfer.cancel()
      if (isIdle) resolve()
      else reject(abortError(signal))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (!once) return
    firstWhole(systemClock, receiver, forMs).then(resolve, (error: unknown) =>
      reject(error instanceof BytestreamError ? new CommandFailure(error, exitCodeOf(error), last) : error),
    )
  })
  output.close()
}

/** Where files are stored, and under which name, where that is not theirs. */
function placeOf({ into, out }: Settings<typeof receiveOptions>): Pick<ReceiveInit, 'into' | 'storeAs'> {
  if (out !== undefined && into !== undefined)
    throw new BytestreamError('ERR_CONFIG', '--into and --out exclude each other: name one of them')
  if (into !== undefined) return { into }
  if (out === undefined) throw new BytestreamError('ERR_CONFIG', '--into is missing: expected DIR, where files are stored, or --out FILE')
  if (existsSync(out)) throw new BytestreamError('ERR_FILE_EXISTS', `${out} is there already, and is not overwritten`)
  return { into: dirname(out), storeAs: basename(out) }
}

/** What a file has to be, and how much at once. */
function rulesOf(settings: Settings<typeof receiveOptions>, once: boolean): Omit<ReceiveInit, 'into' | 'from'> {
  const { name, type, flat: isFlat } = settings
  const { 'hashes-blocked': blocked, 'file-max': fileBytesMax, 'total-max': totalBytesMax, 'sender-max': senderBytesMax } = settings
  return {
    isFlat,
    ...(name && { names: name }),
    ...(type && { types: type }),
    ...(blocked !== undefined && { sha256Blocked: loadHashList('hashes-blocked', blocked) }),
    ...(fileBytesMax !== undefined && { fileBytesMax }),
    ...(totalBytesMax !== undefined && { totalBytesMax }),
    ...(senderBytesMax !== undefined && { senderBytesMax }),
    hashRequired: settings['hash-required'],
    transfersMax: once ? 1 : settings['files-max'],
  }
}

function tell(output: Output, transfer: Transfer): void {
  tellIncoming(output, transfer, 'the same command goes on with them, when the file is sent again')
  const { peer } = transfer
  transfer.on('done', (result) => {
    const { path, size, sha256, verified, alreadyThere, method, durationMs, resumedFrom } = result
    output.tell(
      'received',
      { path, from: peer, size, sha256, verified, alreadyThere: alreadyThere || undefined, method, durationMs, resumedFrom },
      arrivalText(peer, result),
    )
  })
}

function tellFailure({ output, signal }: Run, { name, peer }: Transfer, { code, message }: BytestreamError, failure: Failure): void {
  const { hop } = failure
  output.tell('failed', { name, from: peer, code, message, hop })
  // Of what was ended here, the last line tells.
  if (!signal.aborted) output.complain(`${name} from ${peer}: ${sentenceOf(failure)}`)
}
