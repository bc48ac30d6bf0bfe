import { type CompletableCommand, everyCommand, type Values } from './completable.ts'

/** A script for bash 3.2 and later, without the package bash-completion. */
export function writeBash(program: CompletableCommand): string {
  const commands = everyCommand(program)
  return `# bash completion for streamhost: source <(streamhost completion bash)
_streamhost() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path='' word IFS=$'\\n'
  # --option=value is three words to bash.
  if [[ $cur == '=' ]]; then cur=''
  elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
      ${alternatives(commands.filter(({ path }) => path.length > 0).map(({ path }) => ` ${path.join(' ')}`))}) path="$path $word" ;;
    esac
  done
  COMPREPLY=()
  case "$path $prev" in
${commands.flatMap(writeValues).join('\n')}
  esac
  case "$path" in
${commands.map(writeCommand).join('\n')}
  esac
}
complete -F _streamhost streamhost
`
}

const quote = (word: string) => `'${word}'`
const alternatives = (words: readonly string[]) => words.map(quote).join('|')
const pathOf = ({ path }: CompletableCommand) => path.map((name) => ` ${name}`).join('')

/** What is offered behind an option that has a value. */
function writeValues(command: CompletableCommand): string[] {
  return command.options.flatMap(({ flag, value }) =>
    value ? [`    ${quote(`${pathOf(command)} ${flag}`)}) ${offer(value.values)}return ;;`] : [],
  )
}

/** What is offered else. */
function writeCommand(command: CompletableCommand): string {
  const flags = command.options.map(({ flag }) => flag)
  const others = command.commands.length > 0 ? command.commands.map(({ path }) => path.at(-1) as string) : command.argument
  return `    ${quote(pathOf(command))}) if [[ $cur == -* ]]; then ${offer(flags)}else ${offer(others) || ':; '}fi ;;`
}

function offer(values: Values): string {
  if (values === 'none') return ''
  if (values === 'files') return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); '
  if (values === 'folders') return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")); '
  return `COMPREPLY=($(compgen -W $'${values.join('\\n')}' -- "$cur")); `
}
