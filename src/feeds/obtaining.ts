import type { FileRules, RetryInit, Transfer, TransferClient } from '../transfer/index.ts'
import type { Announcement } from '../xep/index.ts'
import type { Way } from './way.ts'

/** Where a file that is asked for goes, and what it has to be. */
export interface GetInit extends FileRules, Way {
  /** The folder it is stored in; made if it is not there. */
  readonly into: string
  /** What it is stored as. Default: what its owner calls it. */
  readonly as?: string | undefined
  /** How long it is asked for again, when it was interrupted after it had been granted. */
  readonly retry?: RetryInit | undefined
  readonly signal?: AbortSignal | undefined
}

/** Asks the owner for what was announced: what comes has to be that. @param methods by which it may come */
export function obtainAnnounced(
  client: TransferClient,
  { id, owner: from, file, protocols }: Announcement,
  init: GetInit,
  methods?: readonly string[],
): Transfer {
  const [protocol = 'auto'] = protocols.filter((each) => !methods || methods.includes(each))
  const { name, sizeBytes: size, hashes } = file
  return client.obtain({ ...init, from, id, file: { name, size, hashes }, protocol })
}
