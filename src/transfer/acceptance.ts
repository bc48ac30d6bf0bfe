import { join } from 'node:path'
import { BytestreamError, bareJid, type Clock, formatBytes } from '../core/index.ts'
import type { Hash, JingleRange } from '../xep/index.ts'
import { askProgram } from './decision.ts'
import { ExpectedPeers } from './expected-peers.ts'
import { toSafeFileName, toSafeFolder } from './file-name.ts'
import { FileCheck, type FileOffer, type FileRules } from './file-rules.ts'
import { FileSink } from './file-sink.ts'
import { checkFolders, makeFolders, roomIn } from './folders.ts'
import { FileHere } from './parts/file-here.ts'
import type { WantedFile } from './parts/matching.ts'
import { millisecondsOf, secondsOf } from './parts/part-state.ts'
import { type FoundPart, type Part, PartStore, type Search } from './parts/part-store.ts'
import { type Placed, Places } from './places.ts'

/** Whose files, and which, are accepted. */
export interface AcceptanceInit extends FileRules {
  /** The folder files are stored in; made if it is not there. */
  readonly into: string
  /** Who may send: bare JIDs, or full ones for a single resource. Nothing is accepted from others. */
  readonly from: readonly string[]
  /** Whether all files are stored in that folder itself, whatever folders their senders tell. Default: false. */
  readonly isFlat?: boolean
  /** Under which name every file is stored, in that folder itself, whatever its sender calls it; a name that is taken gets a number. */
  readonly storeAs?: string | undefined
  /** Asked for each file that is acceptable otherwise; `false` declines. */
  readonly mayAccept?: (offer: FileOffer) => boolean | Promise<boolean>
  /** Octets of all files being received at once. Default: unlimited. */
  readonly totalBytesMax?: number
  /** The same, of one account. Default: unlimited. */
  readonly senderBytesMax?: number
  /** Files being received at once; more are refused for the time being. Where several may send, each has half. Default 20. */
  readonly transfersMax?: number
  /** The same of sessions, which may have several files each. Default 20, or `transfersMax` where that is more. */
  readonly sessionsMax?: number
}

export interface AcceptanceComponents {
  readonly clock: Clock
  /** Octets there is room for in a folder. Default: what the file system says. */
  readonly room?: (folder: string) => Promise<number>
}

/** A file on offer, as it came. */
export interface OfferedFile extends FileOffer {
  /** As it came. */
  readonly name: string
  /** As it came. */
  readonly folder?: string | undefined
  /** When it was last changed, as it came. */
  readonly date?: string | undefined
  /** Whether its sender can leave out what is here already. Where nothing is said of it, nothing is kept for another time either. */
  readonly canResume?: boolean
  /** Octets its sender leaves out, whatever is here. */
  readonly offset?: number | undefined
  /** Names of the hashes that will come behind the content. */
  readonly hashUsed?: readonly string[]
  /** Of the content that was asked for. */
  readonly hashesWanted?: readonly Hash[]
}

/** What a file under way, or one being decided about, takes of the maxima. */
interface Place extends Placed {
  readonly size: number
  /** Octets that are here. */
  here: number
  sink?: FileSink
}

const TRANSFERS_MAX = 20
const SESSIONS_MAX = 20

/** What is received at once, where nobody says. */
export const receiveLimits = { transfersMax: TRANSFERS_MAX, sessionsMax: SESSIONS_MAX } as const

/**
 * Decides about what others offer, one file at a time: who, what, how much at once, and whether there is room for all that was
 * promised. Knows nothing of how a file is offered, or travels.
 */
export class Acceptance {
  /** Who may send. */
  readonly senders: ExpectedPeers
  readonly #components: Required<AcceptanceComponents>
  readonly #init: AcceptanceInit
  readonly #stopping: AbortSignal
  readonly #check: FileCheck
  readonly #sessions: Places
  readonly #places: Places<Place>
  readonly #parts: PartStore
  #swept: Promise<void> | undefined

  /**
   * @param stopping from then on nothing is accepted
   * @throws BytestreamError `ERR_JID_MALFORMED` for one of `from`; TypeError for a blocked hash that is none
   */
  constructor(components: AcceptanceComponents, init: AcceptanceInit, stopping: AbortSignal) {
    this.#components = { room: roomIn, ...components }
    this.#init = init
    this.#stopping = stopping
    this.senders = new ExpectedPeers(init.from)
    const { transfersMax = TRANSFERS_MAX, sessionsMax = Math.max(SESSIONS_MAX, transfersMax) } = init
    const among = this.senders.all.length
    this.#places = new Places({ max: transfersMax, among, full: `${transfersMax} files are being received already` })
    this.#sessions = new Places({ max: sessionsMax, among, full: `${sessionsMax} sessions are open already` })
    this.#parts = new PartStore(init.into)
    const { fileBytesMax = unlimited, totalBytesMax = unlimited, senderBytesMax = unlimited } = init
    this.#check = new FileCheck({ ...init, fileBytesMax: Math.min(fileBytesMax, totalBytesMax, senderBytesMax) })
  }

  /**
   * Lets somebody begin a session in which files are offered; disposing of what it returns ends that.
   *
   * @param from full JID
   * @throws BytestreamError `ERR_DECLINED`, `ERR_LIMIT_WAITING`
   */
  admitSession(from: string): Disposable {
    this.#checkSender(from)
    return this.#sessions.take({ from: bareJid(from) })
  }

  /**
   * Decides about a file. From then on until its sink is closed it counts.
   *
   * @returns where to write it
   * @throws BytestreamError `ERR_DECLINED`, `ERR_FILE_TOO_LARGE`, `ERR_FILE_NAME`, `ERR_DISK_SPACE`, `ERR_LIMIT_WAITING`, `ERR_FILE`, and what
   *   `mayAccept` throws
   */
  async accept(file: OfferedFile): Promise<FileSink> {
    const { from, size, mimeType, description, hashes, hashUsed = [], hashesWanted } = file
    const { storeAs } = this.#init
    this.#checkSender(from)
    const steps = file.folder === undefined || this.#init.isFlat || storeAs !== undefined ? [] : toSafeFolder(file.folder)
    const folder = steps.length > 0 && { folder: steps.join('/') }
    const offer = { from, name: toSafeFileName(file.name, steps.length > 0), ...folder, size, mimeType, description, hashes }
    this.#check.check(offer, hashUsed)
    const wanted = wantedOf(file, steps.join('/'))
    const place: Place = { from: wanted.from, size, here: 0 }
    const taken = this.#places.take(place)
    const onClosed = () => taken[Symbol.dispose]()
    let here: FileHere | undefined
    try {
      this.#checkOctets(place)
      here = await this.#findHere(wanted, file, steps)
      const search = here ? nothingSought : await this.#findPart(wanted, file)
      place.here = here ? size : (search.part?.bytes ?? 0)
      const lacking = await this.#checkRoom(place, search.part)
      const { mayAccept, into, hashRequired = false } = this.#init
      const ask = { code: 'ERR_DECLINED', signal: this.#stopping } as const
      if (mayAccept && !(await askProgram(this.#components.clock, () => mayAccept(offer), ask)))
        throw new BytestreamError('ERR_DECLINED', 'Offer Declined')
      if (lacking > 0) await this.#parts.makeRoom(await this.#checkRoom(place, search.part), search.part)
      const checkContent = (sha256: string) => this.#check.checkContent(sha256)
      const expected = { name: storeAs ?? offer.name, size, modifiedMs: millisecondsOf(file.date), hashes, hashUsed, hashesWanted }
      const target = await makeFolders(into, steps)
      const part = here ?? (await this.#openPart(search, wanted, file))
      const fromStartBecause = part.offset > 0 ? undefined : search.reason
      const checkFolder = () => checkFolders(into, steps)
      const beginPart = () => this.#parts.begin(wanted)
      const rules = { hashRequired, checkContent, checkFolder, beginPart }
      place.sink = await FileSink.create(target, expected, part, { ...rules, onClosed, fromStartBecause })
      return place.sink
    } catch (error) {
      await here?.discard()
      onClosed()
      throw error
    }
  }

  /** Octets of a file that are here already, so that the rest of it would do. */
  async bytesOf(file: OfferedFile): Promise<number> {
    const { part } = await this.#parts.find(wantedOf(file, ''))
    return part?.bytes ?? 0
  }

  /** A file that was stored before, where its sender can leave out what is here, and leaves it to us. */
  async #findHere(
    wanted: WantedFile,
    { canResume, offset = 0, date }: OfferedFile,
    steps: readonly string[],
  ): Promise<FileHere | undefined> {
    const { into, storeAs: name = wanted.name } = this.#init
    const isSafe = canResume && offset === 0 && (await checkFolders(into, steps).then(yes, no))
    const sought = { folder: join(into, ...steps), name, wanted, modifiedMs: millisecondsOf(date) }
    return isSafe ? await FileHere.find(sought, this.#stopping) : undefined
  }

  /** @throws BytestreamError `ERR_DECLINED` for the rest of a file whose beginning is not here */
  async #findPart(wanted: WantedFile, { canResume, offset = 0 }: OfferedFile): Promise<Search> {
    if (canResume === undefined) return nothingSought
    this.#swept ??= this.#parts.sweep()
    await this.#swept
    const search = await this.#parts.find(wanted)
    if (offset > 0 && search.part?.bytes !== offset) throw notWhole()
    if (search.part && !canResume && offset === 0) return { reason: 'its sender sends whole files only' }
    return search
  }

  /** @throws BytestreamError `ERR_DECLINED` when what its sender leaves out is here no more */
  async #openPart({ part: found }: Search, wanted: WantedFile, { offset = 0 }: OfferedFile): Promise<Part> {
    const part = found && (await this.#parts.take(found, wanted))
    if (part?.offset === offset || offset === 0) return part ?? (await this.#parts.begin(wanted))
    await part?.keep()
    throw notWhole()
  }

  /** A stranger hears no more than this. */
  #checkSender(from: string): void {
    if (this.#stopping.aborted || !this.senders.has(from)) throw new BytestreamError('ERR_DECLINED', 'Offer Declined')
  }

  /** @throws BytestreamError `ERR_LIMIT_WAITING`: what is under way now has an end */
  #checkOctets(place: Place): void {
    const { totalBytesMax = unlimited, senderBytesMax = unlimited } = this.#init
    const { from, size } = place
    const earlier = this.#places.before(place)
    const total = sumOf(earlier)
    if (total + size > totalBytesMax) {
      throw new BytestreamError(
        'ERR_LIMIT_WAITING',
        `${formatBytes(total)} are being received already, of at most ${formatBytes(totalBytesMax)}`,
      )
    }
    const ofSender = sumOf(earlier.filter((each) => each.from === from))
    if (ofSender + size > senderBytesMax) {
      throw new BytestreamError(
        'ERR_LIMIT_WAITING',
        `${formatBytes(ofSender)} of ${from} are being received already, of at most ${formatBytes(senderBytesMax)}`,
      )
    }
  }

  /**
   * What was promised before, and is yet to come, has its room already. Parts nobody uses make room for what is accepted.
   *
   * @param wanted the part that is to be gone on with
   * @returns octets that are to be freed for it
   * @throws BytestreamError `ERR_DISK_SPACE`
   */
  async #checkRoom(place: Place, wanted: FoundPart | undefined): Promise<number> {
    const { into } = this.#init
    const room = await this.#components.room(into)
    const needed = this.#places
      .before(place)
      .reduce((total, { size, sink, here }) => total + size - (sink?.bytes ?? here), place.size - place.here)
    const lacking = needed - room
    if (lacking <= 0 || lacking <= (await this.#parts.octetsUnused(wanted))) return lacking
    throw new BytestreamError(
      'ERR_DISK_SPACE',
      `${into} has room for ${formatBytes(room)}, the files under way need ${formatBytes(needed)}`,
    )
  }
}

/** What is known of a file on offer. @throws BytestreamError `ERR_FILE_NAME` */
function wantedOf({ from, name, size, date, hashes, hashUsed = [], canResume }: OfferedFile, folder: string): WantedFile {
  const known = canResume === undefined ? { modifiedS: undefined, hashes: [] } : { modifiedS: secondsOf(date), hashes }
  return { from: bareJid(from), name: toSafeFileName(name, folder !== ''), folder, size, ...known, hashUsed }
}

/**
 * Octets a sender leaves out at the beginning of a file.
 *
 * @throws BytestreamError `ERR_DECLINED` where it leaves out any at the end
 */
export function offsetOf(size: number, { offset = 0, length = size - offset }: JingleRange = {}): number {
  if (offset + length !== size) throw notWhole()
  return offset
}

const notWhole = () => new BytestreamError('ERR_DECLINED', 'parts of files are not accepted')

const nothingSought: Search = { reason: undefined }

const yes = () => true
const no = () => false

const unlimited = Number.POSITIVE_INFINITY

const sumOf = (places: readonly Place[]) => places.reduce((total, { size }) => total + size, 0)
