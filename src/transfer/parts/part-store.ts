import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hash } from '../../xep/index.ts'
import { toFileError } from '../file-error.ts'
import { makeFolder } from '../folders.ts'
import type { ContentHasher } from '../hashes.ts'
import { isGone, isOwn } from './holder.ts'
import { carryOver, type Identity, identify, rememberPlace } from './known-beginnings.ts'
import { differenceOf, isNamesake, isRecognisable, type WantedFile } from './matching.ts'
import { isOurs, readState, remove, stateOf, writeState } from './part-files.ts'
import type { PartFacts, PartState } from './part-state.ts'

/** Kept parts of one folder; beyond, the oldest of the account with the most go. */
const PARTS_MAX = 100
/** Milliseconds a part is kept. */
const PART_MS_MAX = 604_800_000

/** `.NAME.ID.part`, and its state; without a name, and a state, it is of a version that kept none. */
const PART = /^\.(?:.+\.)?([0-9a-f]{12})\.part(\.json)?$/s

/** Those this process has in use, by their ids. */
const inUse = new Set<string>()

/** A part that was found, and that nobody uses. */
export interface FoundPart {
  /** Octets of the file that are there. */
  readonly bytes: number
  readonly path: string
  readonly hashes: readonly Hash[]
}

/** What a search has come to; the reason says why something that looked like it was not taken. */
export type Search = { readonly part: FoundPart; readonly reason?: never } | { readonly part?: never; readonly reason: string | undefined }

/** A part in a folder, as it was seen. */
interface Seen {
  readonly id: string
  readonly path: string
  readonly stats: Stats
  readonly state: PartState | undefined
}

/**
 * The parts of files in a folder: `.NAME.ID.part`, and beside each `.NAME.ID.part.json`, which says of what file it is. The state is
 * whole before there is a part, and is never changed: whoever takes a part gives both a new name, which only one can. So at
 * whatever moment a process is killed, there is a part with its state, or nothing that looks like one.
 */
export class PartStore {
  readonly #folder: string

  /** @param folder need not be there */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Looks for a part of a file, of several for the one that has most of it. */
  async find(wanted: WantedFile): Promise<Search> {
    const names = await this.#namesLike((name) => name.startsWith(`.${wanted.name}.`) && name.endsWith('.part'))
    const seen = (await Promise.all(names.map((name) => this.#look(name)))).filter((each) => each !== undefined)
    let reason: string | undefined
    let best: FoundPart | undefined
    for (const { path, id, stats, state } of seen) {
      if (!state || !isNamesake(state, wanted) || !isOurs(stats) || stats.size > state.size) continue
      const difference = isFree(id, state, stats) ? differenceOf(state, wanted) : 'the part that is here is in use'
      reason ??= difference
      if (difference === undefined && stats.size > (best?.bytes ?? 0))
        best = { path, bytes: resumable(stats.size, state), hashes: state.hashes }
    }
    return best && best.bytes > 0 ? { part: best } : { reason }
  }

  /**
   * Begins a part, in the folder, which is made if it is not there.
   *
   * @throws BytestreamError `ERR_FILE` when the folder cannot be written to, `ERR_DISK_SPACE`
   */
  async begin(facts: PartFacts): Promise<Part> {
    const place = this.#newPlace(facts.name)
    try {
      await makeFolder(this.#folder)
      await writeState(place.path, facts)
      const handle = await open(place.path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
      return new Part(this, place, handle, { offset: 0, facts })
    } catch (cause) {
      await leave(place)
      throw toFileError(cause, `${this.#folder} cannot be written to`)
    }
  }

  /**
   * Goes on with a part that was found.
   *
   * @returns `undefined` when somebody else has taken it meanwhile, or it cannot be opened
   */
  async take(found: FoundPart, facts: PartFacts): Promise<Part | undefined> {
    const place = this.#newPlace(facts.name)
    try {
      const hashes = [...facts.hashes, ...found.hashes.filter(({ algo }) => !facts.hashes.some((hash) => hash.algo === algo))]
      await writeState(place.path, { ...facts, hashes })
      await rename(found.path, place.path)
      await rm(stateOf(found.path), { force: true })
      const handle = await open(place.path, constants.O_RDWR | constants.O_NOFOLLOW)
      const stats = await handle.stat()
      if (!isOurs(stats)) {
        await handle.close()
        throw new TypeError('it is no part')
      }
      return new Part(this, place, handle, { offset: resumable(stats.size, facts), facts: { ...facts, hashes } })
    } catch {
      await leave(place)
      return undefined
    }
  }

  /** Deletes what is too old, of no use, or too many, as far as it can; nothing that is in use, and nothing but parts. */
  async sweep(): Promise<void> {
    const names = await this.#namesLike((name) => PART.test(name))
    const ofAccounts = new Map<string, Seen[]>()
    let count = 0
    for (const seen of await this.#unused(names)) {
      const { path, stats, state } = seen
      const isStored = stats.nlink > 1 // By somebody who was killed before the part had lost its own name.
      if (isOld(stats) || isStored || !state) await remove(path).catch(() => {})
      else {
        count += 1
        ofAccounts.set(state.from, [...(ofAccounts.get(state.from) ?? []), seen])
      }
    }
    for (; count > PARTS_MAX; count--) await remove(tooMany([...ofAccounts.values()]).path).catch(() => {})
    const parts = new Set(names)
    for (const name of names) if (name.endsWith('.json') && !parts.has(name.slice(0, -'.json'.length))) await this.#sweepState(name)
  }

  /**
   * Octets {@link makeRoom} could free.
   *
   * @param wanted is not counted
   */
  async octetsUnused(wanted?: FoundPart): Promise<number> {
    return (await this.#others(wanted)).reduce((total, { stats }) => total + stats.size, 0)
  }

  /**
   * Deletes parts nobody uses, the oldest first, until so many octets are free.
   *
   * @param wanted is not deleted
   */
  async makeRoom(octets: number, wanted?: FoundPart): Promise<void> {
    const others = await this.#others(wanted)
    for (let left = octets, oldest = others.pop(); left > 0 && oldest; oldest = others.pop()) {
      await remove(oldest.path).catch(() => {})
      left -= oldest.stats.size
    }
  }

  async #others(wanted: FoundPart | undefined): Promise<Seen[]> {
    const unused = await this.#unused(await this.#namesLike((name) => PART.test(name)))
    return unused.filter(({ path }) => path !== wanted?.path)
  }

  /** Of those parts that nobody uses, and others that may be deleted; the newest first. */
  async #unused(names: readonly string[]): Promise<Seen[]> {
    const unused: Seen[] = []
    for (const name of names.filter((each) => !each.endsWith('.json'))) {
      const seen = await this.#look(name)
      if (seen && (seen.state ? isFree(seen.id, seen.state, seen.stats) : isOld(seen.stats))) unused.push(seen)
    }
    return unused.sort((one, other) => other.stats.mtimeMs - one.stats.mtimeMs)
  }

  /** A state without its part is of somebody who was killed in between, or who is about to begin. */
  async #sweepState(name: string): Promise<void> {
    const path = join(this.#folder, name)
    const [, id = ''] = PART.exec(name) ?? []
    const stats = await lstat(path).catch(() => undefined)
    const state = await readState(path)
    if (stats?.isFile() && (state ? isFree(id, state, stats) : isOld(stats))) await rm(path, { force: true }).catch(() => {})
  }

  /** @returns nothing for what is no part of ours */
  async #look(name: string): Promise<Seen | undefined> {
    const [, id] = PART.exec(name) ?? []
    const path = join(this.#folder, name)
    const stats = await lstat(path).catch(() => undefined)
    return id !== undefined && stats?.isFile() && stats.uid === process.getuid?.()
      ? { id, path, stats, state: await readState(stateOf(path)) }
      : undefined
  }

  async #namesLike(isLike: (name: string) => boolean): Promise<readonly string[]> {
    return (await readdir(this.#folder).catch(() => [])).filter(isLike)
  }

  #newPlace(name: string): Place {
    const id = randomBytes(6).toString('hex')
    inUse.add(id)
    return { id, path: join(this.#folder, `.${name}.${id}.part`) }
  }
}

/** Where a part of this process is. */
interface Place {
  readonly id: string
  readonly path: string
}

/** What was written behind what was there. */
export interface Written {
  /** Of all that is there. */
  readonly hasher: ContentHasher
  /** Octets that are there. */
  readonly bytes: number
  /** As it was before, where anything was there. */
  readonly taken: Identity | undefined
}

/** A part that is being written to. Owns its descriptor. */
export class Part {
  /** Nobody else changes it. */
  readonly isOurs = true
  readonly #store: PartStore
  /** Whether the file can be known again, should it be offered once more. */
  readonly isRecognisable: boolean
  readonly handle: FileHandle
  /** Octets of the file that were there. */
  readonly offset: number
  readonly #place: Place
  readonly #facts: PartFacts

  constructor(store: PartStore, place: Place, handle: FileHandle, { offset, facts }: { offset: number; facts: PartFacts }) {
    this.#store = store
    this.isRecognisable = isRecognisable(facts)
    this.#facts = facts
    this.#place = place
    this.handle = handle
    this.offset = offset
  }

  get path(): string {
    return this.#place.path
  }

  /** Closes it; whoever gets the same file again finds it, unless there are too many, and need not read again what was written now. */
  async keep(written?: Written): Promise<void> {
    try {
      if (written) await this.#remember(written).catch(() => {}) // Then it is read.
      await this.handle.close()
    } finally {
      inUse.delete(this.#place.id)
    }
    await this.#store.sweep()
  }

  async #remember({ hasher, bytes, taken }: Written): Promise<void> {
    const now = await identify(this)
    if (taken) carryOver(taken, now)
    // With its last octet nobody goes on.
    if (bytes === resumable(bytes, this.#facts)) rememberPlace(now, hasher.names, { end: bytes, state: hasher.state() })
  }

  /** Closes it, and takes its name, which may be one of two by now. */
  async discard(): Promise<void> {
    try {
      await this.handle.close()
    } finally {
      await leave(this.#place)
    }
  }
}

/** A last octet is always left to come: a bytestream of none is an end before the first octet to some. */
const resumable = (bytes: number, { size }: PartFacts) => Math.min(bytes, size - 1)

/** Takes the oldest part of the account that has the most, of several such accounts the oldest of all. @param accounts the newest first */
function tooMany(accounts: readonly Seen[][]): Seen {
  const most = Math.max(...accounts.map(({ length }) => length))
  const oldest = (parts: readonly Seen[]) => parts.at(-1)?.stats.mtimeMs ?? 0
  const [whose] = accounts.filter(({ length }) => length === most).sort((one, other) => oldest(one) - oldest(other))
  return whose?.pop() as Seen
}

const ageOf = ({ mtimeMs }: Stats) => Date.now() - mtimeMs

const isOld = (stats: Stats) => ageOf(stats) > PART_MS_MAX

/** A process that has kept its part does not use it any more. */
const isFree = (id: string, { holder }: PartState, stats: Stats) => (isOwn(holder) ? !inUse.has(id) : isGone(holder, ageOf(stats)))

/** What cannot be removed now is swept another time. */
async function leave({ id, path }: Place): Promise<void> {
  await remove(path).catch(() => {})
  inUse.delete(id)
}
