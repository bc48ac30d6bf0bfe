import { BytestreamError, bareJid, type Clock } from '../core/index.ts'
import type { OfferedFile } from './acceptance.ts'
import { differenceOf, isNamesake, type WantedFile } from './parts/matching.ts'
import { secondsOf } from './parts/part-state.ts'
import type { Transfer } from './transfer.ts'

/** Milliseconds a transfer has to move in, once the same file is offered again. */
const MOVE_MS_MAX = 5_000
/** Looks within that time. */
const LOOKS = 10

/** A transfer, and the session in which its file was offered. */
interface UnderWay {
  readonly file: WantedFile
  readonly session: string
}

/**
 * The files that are being received. Whoever lost its connection offers a file again, while here it still waits for the rest: it
 * would keep the part that is to be gone on with.
 */
export class FilesUnderWay {
  readonly #clock: Clock
  readonly #files = new Map<Transfer, UnderWay>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param session its files are no repetitions of each other */
  add(transfer: Transfer, file: OfferedFile, session: string): void {
    this.#files.set(transfer, { file: wantedOf(file), session })
    const forget = () => this.#files.delete(transfer)
    transfer.once('done', forget).once('failed', forget)
  }

  /** Ends the transfers of a file that is offered again, where they do not move; those that do are others. */
  async giveWay(offered: OfferedFile, session: string): Promise<void> {
    const file = wantedOf(offered)
    const same = [...this.#files].filter(
      ([, each]) => each.session !== session && isNamesake(each.file, file) && differenceOf(each.file, file) === undefined,
    )
    await Promise.all(same.map(([transfer]) => this.#endIfQuiet(transfer)))
  }

  async #endIfQuiet(transfer: Transfer): Promise<void> {
    const { bytes } = transfer
    const over = transfer.done.then(noMatter, noMatter)
    for (let look = 0; look < LOOKS; look++) {
      const { promise, cancel } = this.#pause(MOVE_MS_MAX / LOOKS)
      await Promise.race([promise, over])
      cancel()
      if (transfer.bytes !== bytes || !this.#files.has(transfer)) return
    }
    transfer.cancel(new BytestreamError('ERR_RESET', 'it is offered again'))
    await over
  }

  #pause(ms: number): { readonly promise: Promise<void>; readonly cancel: () => void } {
    let cancel = () => {}
    const promise = new Promise<void>((resolve) => {
      cancel = this.#clock.after(ms, resolve)
    })
    return { promise, cancel }
  }
}

const noMatter = () => {}

/** As it came: it is only compared. */
const wantedOf = ({ from, name, folder = '', size, date, hashes, hashUsed = [] }: OfferedFile): WantedFile => ({
  ...{ from: bareJid(from), name, folder, size, modifiedS: secondsOf(date), hashes, hashUsed },
})
