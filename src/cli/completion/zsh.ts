import type { CompletableCommand, CompletableOption, Values } from './completable.ts'

/** A script for zsh, to be sourced, or put into a folder of fpath as _streamhost. */
export function writeZsh(program: CompletableCommand): string {
  return `#compdef streamhost
# zsh completion for streamhost: source <(streamhost completion zsh), behind compinit
${writeFunctions(program)}
if [[ "\${funcstack[1]}" == _streamhost ]]; then _streamhost "$@"; else compdef _streamhost streamhost; fi
`
}

const nameOf = ({ path }: CompletableCommand) => ['_streamhost', ...path].join('_')

/** A function for each command, and those for its own behind it. */
function writeFunctions(command: CompletableCommand): string {
  const options = command.options.map(writeOption)
  if (command.commands.length === 0) {
    const argument = command.argument === 'none' ? [] : [quote(`*:${actionOf(command.argument, 'argument')}`)]
    return `${nameOf(command)}() {
  _arguments -s ${[...options, ...argument].join(' \\\n    ')}
}`
  }
  const names = command.commands.map(({ path, description }) => quote(`${path.at(-1)}:${description.replaceAll(':', '\\:')}`))
  return `${nameOf(command)}() {
  local curcontext=$curcontext state line
  local -a commands=(${names.join('\n    ')})
  _arguments -C ${options.join(' \\\n    ')} \\
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument) case $line[1] in
${command.commands.map((each) => `      ${each.path.at(-1)}) ${nameOf(each)} ;;`).join('\n')}
    esac ;;
  esac
}
${command.commands.map(writeFunctions).join('\n')}`
}

function writeOption({ flag, isRepeatable, value, description }: CompletableOption): string {
  const text = description.replace(/[[\]\\:]/g, '\\$&')
  const action = value ? `=[${text}]:${actionOf(value.values, value.placeholder)}` : `[${text}]`
  return quote(`${isRepeatable ? '*' : ''}${flag}${action}`)
}

function actionOf(values: Values, placeholder: string): string {
  const message = placeholder.replaceAll(':', '\\:')
  if (values === 'none') return `${message}: `
  if (values === 'files') return `${message}:_files`
  if (values === 'folders') return `${message}:_files -/`
  return `${message}:(${values.join(' ')})`
}

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`
