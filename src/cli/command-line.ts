import { type Command, Option as CommanderOption } from 'commander'
import {
  type accountOptions,
  loadCertificates,
  loadSecret,
  loadSettings,
  type Option,
  type Options,
  type Settings,
  variableOf,
  wordsOf,
} from '../config/index.ts'
import { BytestreamError, type Logger } from '../core/index.ts'
import { TransferClient, type TransferClientInit } from '../transfer/index.ts'
import { exitCodeOf } from './exit-codes.ts'
import { describeFailure, type Failure } from './failures.ts'
import type { Output, Streams } from './output.ts'

/** What a command is given besides its settings. */
export interface CommandContext {
  readonly streams: Streams
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborts when the user wants the command to end: SIGINT, SIGTERM. */
  readonly signal: AbortSignal
  /** Has SIGHUP call `listener` from now on, instead of ending the command. */
  onHangUp(listener: () => void): void
  /** Has the end of the process call `listener`, however it came about but for a kill: what it leaves undone is not done. */
  onExit(listener: () => void): void
}

/** What every command gets when it runs. */
export interface Run extends CommandContext {
  readonly output: Output
  readonly logger: Logger
  /** Sets the exit code of a command that ends without an error. */
  endWith(exitCode: number): void
}

/** Runs the body of a command and takes care of its end. */
export type Start = (command: Command, body: (run: Run) => Promise<void>) => Promise<void>

/** Adds a command to the program. */
export type AddCommand = (program: Command, start: Start) => void

/** An option that is a setting, which is checked when the settings are read. */
export class SettingOption extends CommanderOption {
  /** The words it can be; none where it can be anything. */
  readonly values: readonly string[]

  constructor(flags: string, help: string, { type, isList = false }: Option) {
    super(flags, help)
    this.values = wordsOf(type)
    if (isList) this.argParser(collect)
  }
}

const collect = (value: string, previous: string[] | undefined) => [...(previous ?? []), value]

/** Adds an option that can be given several times, and is no setting. */
export function addListOption(command: Command, flags: string, help: string): Command {
  return command.addOption(new CommanderOption(flags, help).argParser(collect))
}

/** Adds the options of a table to a command, with their help. */
export function addOptions(command: Command, options: Options): Command {
  for (const [name, option] of Object.entries(options)) {
    const { type, placeholder, description } = option
    const help = type.safeParse(undefined).success ? description : `${description} (required)`
    command.addOption(new SettingOption(placeholder === undefined ? `--${name}` : `--${name} <${placeholder}>`, help, option))
  }
  return command.option(
    '--config <FILE>',
    `TOML file with the same settings; flags and environment (${variableOf('…').slice(0, -1)}…) go before it`,
  )
}

/** Shows how a command is used, behind its help. */
export function addExamples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** The TOML file of a command, if it was given one. */
export function configFileOf(command: Command, { environment }: CommandContext): string | undefined {
  return command.opts<{ config?: string }>().config ?? environment['STREAMHOST_CONFIG']
}

/** Reads the settings of a command from its flags, the environment and its file. */
export function settingsOf<O extends Options>(command: Command, options: O, context: CommandContext): Settings<O> {
  const given = command.opts<Record<string, unknown>>()
  const flags: Record<string, unknown> = {}
  // Commander gives camelCase names.
  for (const name of Object.keys(options)) flags[name] = given[name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
  return loadSettings(options, { flags, environment: context.environment, file: configFileOf(command, context) })
}

/** The account a command logs in to, with its password; the login ends with the command. */
export function accountOf(settings: Settings<typeof accountOptions>, { environment, signal, output }: Run): TransferClientInit {
  const { account, service, 'tls-ca': ca, 'tls-insecure': insecure } = settings
  const password = loadSecret('password', {
    option: 'password-file',
    file: settings['password-file'],
    variable: 'STREAMHOST_PASSWORD',
    environment,
  })
  const tls = { ca: ca === undefined ? undefined : loadCertificates('tls-ca', ca), insecure }
  if (insecure) output.complain('warning: --tls-insecure: any certificate is accepted, so the server may be somebody else')
  return { jid: account, password, service, tls, signal }
}

/** Ends a command with an error the user can read. */
export class CommandFailure extends Error {
  readonly error: BytestreamError
  readonly exitCode: number
  /** How it is told, where that is more than its message. */
  readonly failure: Failure | undefined

  constructor(error: BytestreamError, exitCode: number, failure?: Failure) {
    super(error.message, { cause: error })
    this.error = error
    this.exitCode = exitCode
    this.failure = failure
  }
}

/**
 * Logs in to an account.
 *
 * @throws CommandFailure which says where that failed
 */
export async function logIn(init: TransferClientInit, { logger, signal }: Run): Promise<TransferClient> {
  try {
    return await TransferClient.connect(init, { logger })
  } catch (thrown) {
    if (!(thrown instanceof BytestreamError)) throw thrown
    throw new CommandFailure(thrown, exitCodeOf(thrown), describeFailure(thrown, { account: init.jid }, signal))
  }
}
