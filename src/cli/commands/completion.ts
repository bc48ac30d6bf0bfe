import { Argument, type Command } from 'commander'
import { addExamples, type Start } from '../command-line.ts'
import { writeBash } from '../completion/bash.ts'
import { describeProgram } from '../completion/completable.ts'
import { writeFish } from '../completion/fish.ts'
import { writeZsh } from '../completion/zsh.ts'

const writers = { bash: writeBash, zsh: writeZsh, fish: writeFish } as const

/** `streamhost completion bash|zsh|fish`. */
export function addCompletion(program: Command, start: Start): void {
  const command = program
    .command('completion')
    .addArgument(new Argument('<shell>', 'for which shell').choices(Object.keys(writers)))
    .description('print a script that completes commands, options and their values')
  addExamples(
    command,
    'source <(streamhost completion bash)     in ~/.bashrc',
    'source <(streamhost completion zsh)      in ~/.zshrc, behind compinit',
    'streamhost completion fish > ~/.config/fish/completions/streamhost.fish',
  )
  command.action((shell: keyof typeof writers) =>
    start(command, async ({ output, streams }) => {
      const script = writers[shell](describeProgram(program))
      output.tell('completion', { shell, script })
      if (!output.isJson) streams.stdout.write(script) // As it is, also to a terminal.
    }),
  )
}
