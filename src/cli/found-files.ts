import { BytestreamError, toBytestreamError } from '../core/index.ts'
import { type FoundFile, filesIn } from '../transfer/index.ts'
import type { Run } from './command-line.ts'

/** What a command was told to send. */
interface FoundFiles {
  readonly files: readonly FoundFile[]
  /** What could not be looked at; told already. */
  readonly failures: readonly BytestreamError[]
}

/**
 * Finds every file that was named, and those in the folders that were; tells what is not sent.
 *
 * @throws BytestreamError `ERR_FILE` when nothing is left, `ERR_ABORTED`
 */
export async function findFiles(paths: readonly string[], { output, signal }: Run): Promise<FoundFiles> {
  const files: FoundFile[] = []
  const failures: BytestreamError[] = []
  const fail = (path: string, error: BytestreamError) => {
    failures.push(error)
    output.tell('failed', { path, code: error.code, message: error.message })
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
  const [first] = failures
  if (files.length === 0 && failures.length < 2)
    throw first ?? new BytestreamError('ERR_FILE', `${paths.join(', ')}: there is no file to send`)
  for (const { message } of failures) output.complain(message)
  return { files, failures }
}
