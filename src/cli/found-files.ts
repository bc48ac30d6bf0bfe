import { BytestreamError, toBytestreamError } from '../core/index.ts'
import { type FoundFile, filesIn } from '../transfer/index.ts'
import { CommandFailure, type Run } from './command-line.ts'
import { exitCodeOf } from './exit-codes.ts'
import { describeFailure } from './failures.ts'

/** What a command was told to send. */
interface FoundFiles {
  readonly files: readonly FoundFile[]
  /** What could not be looked at; told already. */
  readonly failures: readonly BytestreamError[]
}

/**
 * Finds every file that was named, and those in the folders that were; tells what is not sent.
 *
 * @throws CommandFailure when nothing is left; BytestreamError `ERR_ABORTED`
 */
export async function findFiles(paths: readonly string[], account: string, { output, signal }: Run): Promise<FoundFiles> {
  const files: FoundFile[] = []
  const failures: BytestreamError[] = []
  const told = (error: BytestreamError) => describeFailure(error, { account })
  const fail = (path: string, error: BytestreamError) => {
    failures.push(error)
    const { code, message } = error
    output.tell('failed', { path, code, message, hop: told(error).hop })
  }
  for (const path of paths) {
    try {
      for await (const found of filesIn(path, { signal })) {
        if (found.kind === 'file') files.push(found)
        else if (found.kind === 'failed') fail(found.path, found.error)
        else {
          output.tell('skipped', { path: found.path, reason: found.reason })
          output.complain(`${found.path}: not sent, it is ${found.reason}`)
        }
      }
    } catch (thrown) {
      if (signal.aborted) throw thrown
      fail(path, toBytestreamError(thrown))
    }
  }
  if (files.length === 0 && failures.length < 2) {
    const [only = new BytestreamError('ERR_FILE', `${paths.join(', ')}: there is no file to send`)] = failures
    throw new CommandFailure(only, exitCodeOf(only), told(only))
  }
  for (const error of failures) output.complain(told(error).text)
  return { files, failures }
}
