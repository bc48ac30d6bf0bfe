import { type CompletableCommand, everyCommand, type Values } from './completable.ts'

/** A script for fish. */
export function writeFish(program: CompletableCommand): string {
  return `# fish completion for streamhost: streamhost completion fish > ~/.config/fish/completions/streamhost.fish
complete -c streamhost -f
${everyCommand(program).flatMap(writeCommand).join('\n')}
`
}

/** When it is the command that is being completed, and none of its own was named yet. */
function conditionOf({ path, commands }: CompletableCommand): string {
  const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`)
  const own = commands.map((each) => each.path.at(-1)).join(' ')
  const unseen = path.length === 0 ? ['__fish_use_subcommand'] : own === '' ? [] : [`not __fish_seen_subcommand_from ${own}`]
  return quote([...seen, ...unseen].join('; and '))
}

function writeCommand(command: CompletableCommand): string[] {
  const begin = `complete -c streamhost -n ${conditionOf(command)}`
  return [
    ...command.commands.map(({ path, description }) => `${begin} -a ${path.at(-1)} -d ${quote(description)}`),
    ...command.options.map(
      ({ flag, value, description }) => `${begin} -l ${flag.slice(2)}${value ? offer(value.values) : ''} -d ${quote(description)}`,
    ),
    ...(command.argument === 'none' ? [] : [`${begin}${command.argument === 'files' ? ' -F' : offer(command.argument)}`]),
  ]
}

function offer(values: Values): string {
  if (values === 'none') return ' -x'
  if (values === 'files') return ' -r -F'
  if (values === 'folders') return " -x -a '(__fish_complete_directories)'"
  return ` -x -a ${quote(values.join(' '))}`
}

const quote = (word: string) => `'${word.replace(/[\\']/g, '\\$&')}'`
