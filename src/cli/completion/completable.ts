import type { Argument, Command, Option } from 'commander'
import { SettingOption } from '../command-line.ts'

/** What a shell can offer for a value: these words, names of files or of folders, or nothing. */
export type Values = readonly string[] | 'files' | 'folders' | 'none'

/** An option a shell can offer. */
export interface CompletableOption {
  /** With its two dashes. */
  readonly flag: string
  readonly isRepeatable: boolean
  /** Of its value; nothing for a switch. */
  readonly value: { readonly placeholder: string; readonly values: Values } | undefined
  readonly description: string
}

/** A command as a shell sees it. */
export interface CompletableCommand {
  /** Its name behind those of the commands it belongs to; empty for the program itself. */
  readonly path: readonly string[]
  readonly description: string
  readonly options: readonly CompletableOption[]
  readonly commands: readonly CompletableCommand[]
  /** Of what stands behind it. */
  readonly argument: Values
}

/** Everything a shell can complete, out of the program itself. */
export function describeProgram(program: Command, path: readonly string[] = []): CompletableCommand {
  const commands = program.commands.map((command) => describeProgram(command, [...path, command.name()]))
  const values = program.registeredArguments.map(valuesOfArgument)
  return {
    path,
    description: program.description(),
    options: [...program.options.map(describeOption), help],
    commands,
    argument: values.find((each) => each !== 'none') ?? 'none',
  }
}

/** The program and all of its commands, one after the other. */
export function everyCommand(program: CompletableCommand): readonly CompletableCommand[] {
  return [program, ...program.commands.flatMap(everyCommand)]
}

const help: CompletableOption = { flag: '--help', isRepeatable: false, value: undefined, description: 'display help for command' }

function describeOption(option: Option): CompletableOption {
  const [, placeholder] = /<(.+)>$/.exec(option.flags) ?? []
  const { long, description } = option
  const isSetting = option instanceof SettingOption
  const words = isSetting ? option.values : []
  const values = words.length > 0 ? words : valuesOf(placeholder)
  const value = placeholder === undefined ? undefined : { placeholder, values }
  return { flag: long as string, isRepeatable: option.parseArg !== undefined, value, description }
}

function valuesOfArgument(argument: Argument): Values {
  if (argument.argChoices) return argument.argChoices
  return ['file', 'files', 'paths'].includes(argument.name()) ? 'files' : 'none'
}

function valuesOf(placeholder: string | undefined): Values {
  if (placeholder === 'FILE') return 'files'
  return placeholder === 'DIR' ? 'folders' : 'none'
}
