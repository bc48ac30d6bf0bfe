import { randomBytes } from 'node:crypto'
import { type BigIntStats, constants, unwatchFile, watch, watchFile } from 'node:fs'
import { type FileHandle, link, open, readdir, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { BytestreamError } from '../../core/index.ts'
import { syncFolder } from '../sync-folder.ts'
import { checkBeginning, HEADER_LINE, type QueueRecord, readRecords, writeRecords } from './records.ts'

/** Octets of the file of a queue. */
const FILE_BYTES_MAX = 268_435_456
/** Octets up to which it is left to grow, and how many times what it comes to it may have. */
const TIDY_BYTES_MIN = 1_048_576
const TIDY_FACTOR_MAX = 4
/** Milliseconds between two looks at the file, where the system does not tell that it has changed. */
const LOOK_MS = 1_000
const LINE_FEED = 0x0a
/** What is behind the name of a queue in that of a file which is to take its place. */
const TEMPORARY = /^[0-9a-f]{12}\.tmp$/

/**
 * Where the file of a queue is, or is to be made: a symbolic link to it stays one, and all who take different ways to it meet there.
 *
 * @throws BytestreamError `ERR_FILE`
 */
export async function locate(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw new BytestreamError('ERR_FILE', `the queue ${path} cannot be read: ${message}`, { cause })
    const target = await readlink(path).catch(() => undefined)
    return target === undefined ? resolve(path) : await locate(resolve(dirname(path), target))
  }
}

/**
 * The file of a queue: a line for each record, which every process may append; whoever works the queue writes it anew when
 * it begins, and when most of it has passed. What was appended is on the disk.
 */
export class Journal {
  readonly #path: string
  /** The file that is read: another one takes its place when it is written anew. */
  #identity = ''
  #offset = 0
  #line = 1
  /** Octets at which it is looked whether most of them have passed. */
  #tidyBytes = TIDY_BYTES_MIN
  #pending = ''
  #group: Promise<void> | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Reads what was appended since the last time, by whomever.
   *
   * @returns nothing when there is no file; `isNew`: it has taken the place of the one before, and the records are all there are
   * @throws BytestreamError `ERR_FILE`
   */
  async read(): Promise<{ readonly isNew: boolean; readonly records: readonly QueueRecord[] } | undefined> {
    try {
      await using file = await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK)
      const identity = identityOf(await file.stat({ bigint: true }))
      const isNew = identity !== this.#identity
      if (isNew) this.#goTo({ identity, offset: 0, line: 1 })
      return { isNew, records: await this.#readRest(file) }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw this.#failed('cannot be read', cause)
    }
  }

  /**
   * Settles when the records are on the disk. Those that come while others are being written go there together.
   *
   * @throws BytestreamError `ERR_FILE`; `ERR_CONFIG` for a record that is too long
   */
  append(records: readonly QueueRecord[]): Promise<void> {
    this.#pending += writeRecords(records)
    const group =
      this.#group ??
      this.#writing.then(() => {
        const text = this.#pending
        this.#pending = ''
        this.#group = undefined
        return this.#append(text)
      })
    this.#group = group
    this.#writing = group.catch(() => {})
    return group
  }

  /**
   * Puts a new file into the place of the one that was read, with nothing but these records.
   *
   * @throws BytestreamError `ERR_FILE`
   */
  rewrite(records: readonly QueueRecord[]): Promise<void> {
    // What is appended here meanwhile goes to the new file: in the old one it would be found as that of another process, too.
    const rewriting = this.#writing.then(() => this.#rewrite(HEADER_LINE + writeRecords(records)))
    this.#writing = rewriting.catch(() => {})
    return rewriting
  }

  /**
   * Puts a new file into its place if it is several times what it comes to; for whoever works the queue.
   *
   * @param comesTo all that was read comes to these
   * @throws BytestreamError `ERR_FILE`
   */
  async tidy(comesTo: () => readonly QueueRecord[]): Promise<void> {
    if (this.#offset < this.#tidyBytes) return
    const records = comesTo()
    const bytes = Buffer.byteLength(writeRecords(records))
    this.#tidyBytes = Math.max(TIDY_BYTES_MIN, Math.min(TIDY_FACTOR_MAX * bytes, (bytes + FILE_BYTES_MAX) / 2))
    if (this.#offset >= this.#tidyBytes) await this.rewrite(records)
  }

  /**
   * Takes away what processes have left that were killed while they wrote the file anew; for whoever works the queue. One that makes
   * the file in the same moment does that again.
   *
   * @throws BytestreamError `ERR_FILE`
   */
  async sweep(): Promise<void> {
    const folder = dirname(this.#path)
    const prefix = `${basename(this.#path)}.`
    try {
      const left = (await readdir(folder)).filter((name) => name.startsWith(prefix) && TEMPORARY.test(name.slice(prefix.length)))
      for (const name of left) await rm(join(folder, name), { force: true })
    } catch (cause) {
      throw this.#failed('cannot be written', cause)
    }
  }

  /** Calls `listener` when the file may have changed. @returns to be called when that is of no interest any more */
  watch(listener: () => void): () => void {
    watchFile(this.#path, { interval: LOOK_MS, persistent: false }, listener)
    let close = () => {}
    const begin = () => {
      try {
        const watcher = watch(this.#path, { persistent: false }, (event) => {
          if (event === 'rename') {
            // It was written anew: what is watched is the old one.
            close()
            begin()
          }
          listener()
        })
        watcher.on('error', () => watcher.close())
        close = () => watcher.close()
      } catch {
        // No more files can be watched, or none of this file system: looking now and then has to do.
      }
    }
    begin()
    return () => {
      unwatchFile(this.#path, listener)
      close()
    }
  }

  async #rewrite(text: string): Promise<void> {
    try {
      await using old = await open(this.#path, constants.O_RDONLY)
      const temporary = await this.#writeBeside(text)
      const identity = identityOf(await stat(temporary, { bigint: true }))
      await rename(temporary, this.#path)
      await syncFolder(dirname(this.#path))
      // Whoever had the old file open may have appended to it until now.
      const late = await this.#readRest(old)
      this.#goTo({ identity, offset: Buffer.byteLength(text), line: text.split('\n').length })
      if (late.length > 0) await this.#append(writeRecords(late))
    } catch (cause) {
      throw this.#failed('cannot be written', cause)
    }
  }

  #goTo({ identity, offset, line }: { identity: string; offset: number; line: number }): void {
    this.#identity = identity
    this.#offset = offset
    this.#line = line
  }

  /** The rest of the file but for what is not yet a whole line. */
  async #readRest(file: FileHandle): Promise<QueueRecord[]> {
    const stats = await file.stat()
    if (!stats.isFile()) throw new Error('it is not a regular file')
    if (stats.size > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} octets`)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, stats.size - this.#offset)), { position: this.#offset })
    const bytes = buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED) + 1
    if (this.#offset === 0 && bytes === 0) checkBeginning(buffer.toString('utf8', 0, bytesRead), this.#path)
    const text = buffer.toString('utf8', 0, bytes)
    const records = readRecords(text, { file: this.#path, line: this.#line })
    this.#offset += bytes
    this.#line += text.split('\n').length - 1
    return records
  }

  async #append(text: string): Promise<void> {
    try {
      while (!(await this.#appendOnce(text)));
    } catch (cause) {
      throw this.#failed('cannot be written', cause)
    }
  }

  /** @returns whether it was the file that is there now */
  async #appendOnce(text: string): Promise<boolean> {
    try {
      await using file = await open(this.#path, constants.O_RDWR | constants.O_APPEND | constants.O_NONBLOCK)
      const { ino, size } = await file.stat()
      const { buffer } = await file.read(Buffer.alloc(1), { position: Math.max(0, size - 1) })
      // Somebody ended in the midst of a line: an empty one behind it says so.
      const before = size === 0 ? HEADER_LINE : buffer[0] === LINE_FEED ? '' : '\n\n'
      await writeAll(file, before + text, size)
      return (await stat(this.#path)).ino === ino
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return await this.#create(text)
    }
  }

  /** @returns `false` when somebody else was first, or has swept it away */
  async #create(text: string): Promise<boolean> {
    const temporary = await this.#writeBeside(HEADER_LINE + text)
    try {
      await link(temporary, this.#path)
      await syncFolder(dirname(this.#path))
      return true
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST' || code === 'ENOENT') return false
      throw error
    } finally {
      await rm(temporary, { force: true })
    }
  }

  async #writeBeside(text: string): Promise<string> {
    const temporary = `${this.#path}.${randomBytes(6).toString('hex')}.tmp`
    try {
      await using file = await open(temporary, 'wx', 0o600)
      await writeAll(file, text, 0)
      return temporary
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  #failed(what: string, cause: unknown): BytestreamError {
    if (cause instanceof BytestreamError) return cause
    return new BytestreamError('ERR_FILE', `the queue ${this.#path} ${what}: ${(cause as Error).message}`, { cause })
  }
}

/** A file system gives the number of a file that is gone to the next one; both were not made in the same nanosecond. */
const identityOf = ({ ino, birthtimeNs }: BigIntStats) => `${ino} ${birthtimeNs}`

/** In one piece, so that nobody else writes into the midst of it, and to the disk. @param size octets of the file before */
async function writeAll(file: FileHandle, text: string, size: number): Promise<void> {
  const octets = Buffer.from(text)
  if (size + octets.length > FILE_BYTES_MAX) throw new Error(`it would have more than ${FILE_BYTES_MAX} octets`)
  for (let written = 0; written < octets.length; ) {
    const { bytesWritten } = await file.write(octets, written, octets.length - written)
    written += bytesWritten
  }
  await file.datasync()
}
