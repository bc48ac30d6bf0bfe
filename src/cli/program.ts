import { Command, CommanderError } from 'commander'
import { allOptions, unknownVariables } from '../config/index.ts'
import { BytestreamError, silentLogger, version } from '../core/index.ts'
import { type AddCommand, type CommandContext, CommandFailure, type Start } from './command-line.ts'
import { addBackup } from './commands/backup.ts'
import { addCheck } from './commands/check.ts'
import { addCompletion } from './commands/completion.ts'
import { addDemo } from './commands/demo.ts'
import { addDisco } from './commands/disco.ts'
import { addGet } from './commands/get.ts'
import { addNotify } from './commands/notify.ts'
import { addOffer } from './commands/offer.ts'
import { addPubsub } from './commands/pubsub.ts'
import { addQueue } from './commands/queue.ts'
import { addReceive } from './commands/receive.ts'
import { addSend } from './commands/send.ts'
import { addServe } from './commands/serve.ts'
import { addWatch } from './commands/watch.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { sentenceOf } from './failures.ts'
import { Output } from './output.ts'

const EXIT_CODES = `
Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  refused by the other side
  4  timed out or not there`

/** A description is wrapped while it has that many columns; the longest names leave 32 of 80. */
const HELP_COLUMNS_MIN = 24

const commands: ReadonlyMap<string, AddCommand> = new Map([
  ['serve', addServe],
  ['demo', addDemo],
  ['send', addSend],
  ['receive', addReceive],
  ['queue', addQueue],
  ['offer', addOffer],
  ['watch', addWatch],
  ['get', addGet],
  ['notify', addNotify],
  ['disco', addDisco],
  ['pubsub', addPubsub],
  ['check', addCheck],
  ['backup', addBackup],
  ['completion', addCompletion],
])

/** The one that is named, as the options of all the others take time; all of them, where somebody asks what there is. */
function commandsFor([name = '']: readonly string[]): Iterable<AddCommand> {
  const add = name === 'completion' ? undefined : commands.get(name)
  return add ? [add] : commands.values()
}

/**
 * Runs one command.
 *
 * @param args without the names of node and of the program
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage, 3 refused by the other side, 4 timed out or not there
 */
export async function run(args: readonly string[], context: CommandContext): Promise<number> {
  const { streams, signal } = context
  let exitCode: number = EXIT.done
  const program = new Command('streamhost')
    .description('The bytestream service for XMPP: a SOCKS5 bytestream proxy (XEP-0065), file transfer, and what goes with them')
    .version(version)
    .addHelpText('after', EXIT_CODES)
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      // One line, as of any other complaint.
      outputError: (text, write) =>
        write(
          `streamhost: ${text
            .replace(/^error: /, '')
            .trim()
            .replaceAll('\n', ' ')} (--help tells what there is)\n`,
        ),
    })
    .configureHelp({ minWidthToWrap: HELP_COLUMNS_MIN })
    .exitOverride()
  const start: Start = async (command, body) => {
    const output = new Output(streams, { isJson: command.optsWithGlobals<{ json?: boolean }>().json === true, isPlain: isPlain(context) })
    const endWith = (code: number) => {
      exitCode = code
    }
    const unknown = unknownVariables(allOptions, context.environment)
    if (unknown.length > 0) output.complain(`streamhost: there is no setting for ${unknown.join(', ')} of the environment`)
    try {
      await body({ ...context, output, logger: silentLogger, endWith })
    } catch (thrown) {
      output.close()
      const [error, code] = explain(thrown, signal)
      const failure = thrown instanceof CommandFailure && thrown.error === error ? thrown.failure : undefined
      output.tell('error', { code: error.code, message: error.message, hop: failure?.hop })
      output.complain(`streamhost: ${failure ? sentenceOf(failure) : error.message}`)
      exitCode = code
    } finally {
      output.close()
    }
  }
  for (const add of commandsFor(args)) add(program, start)
  for (const command of everyCommand(program))
    command.exitOverride().configureOutput(program.configureOutput()).option('--json', 'print one JSON object a line to stdout')
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    // Commander has said what was wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    throw error
  }
  return exitCode
}

/** https://no-color.org: whatever NO_COLOR says, unless it is empty. */
function isPlain({ environment }: CommandContext): boolean {
  return Boolean(environment['NO_COLOR']) || environment['TERM'] === 'dumb'
}

/** A defect is not explained: it is thrown on, with its stack. */
function explain(thrown: unknown, signal: AbortSignal): [error: BytestreamError, exitCode: number] {
  const error = thrown instanceof CommandFailure ? thrown.error : thrown
  if (!(error instanceof BytestreamError)) throw thrown
  if (signal.aborted && error.code === 'ERR_ABORTED') return [new BytestreamError('ERR_ABORTED', 'cancelled'), EXIT.failed]
  return [error, thrown instanceof CommandFailure ? thrown.exitCode : exitCodeOf(error)]
}

function everyCommand(program: Command): Command[] {
  return program.commands.flatMap((command) => (command.commands.length > 0 ? everyCommand(command) : [command]))
}
