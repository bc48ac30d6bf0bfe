import { EventEmitter } from 'node:events'
import { BytestreamError } from '../core/index.ts'
import { Checkpoints, type Progress } from './checkpoints.ts'
import { Deferred } from './deferred.ts'
import { type Database, type Driver, loadDriver, type PreparedStatement, type Value } from './driver.ts'
import { LogSync } from './log-sync.ts'
import { migrate } from './migrations.ts'
import { databaseIn, holdPlace, makeFile, makePlace } from './place.ts'
import { storageError } from './storage-error.ts'
import { SqlThread } from './thread.ts'

/** How long another program that writes to the database, somebody's shell say, keeps us at the most. */
const BUSY_MS_MAX = 1000
/** KiB of pages that are kept in memory; the kernel keeps the others. */
const CACHE_KIB = 8192

const SIZE = 'SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size'

export interface StorageInit {
  /** Made if it is not there. One process at a time has it. */
  readonly directory: string
  /** SQL, by version: the first makes version 1 of an empty database. One that was released never changes. */
  readonly migrations: readonly string[]
  /** `false`: what is settled survives the end of the process, but not of the machine. `true` unless it is set. */
  readonly isPowerSafe?: boolean
  /** Of the database, without its log, in whole pages: what would make it larger is refused, `ERR_STORAGE_FULL`. No limit unless it is set. */
  readonly bytesMax?: number | undefined
}

export interface StorageEvents {
  /** What was written in this turn of the event loop is about to be committed: what is written now is committed with it. */
  committing: []
  /** Nothing of what was written in one turn of the event loop was kept: whoever remembers some of it is wrong. */
  rolledBack: [error: BytestreamError]
  /** Nothing that is written from now on is kept; only a new start finds out what is on the disk. */
  failed: [error: BytestreamError]
  /** The log could not be copied into the database, and grows. Nothing is lost. */
  strained: [error: BytestreamError]
}

/** Reads. Rows are arrays of their columns. */
export interface Query<Row extends readonly Value[]> {
  /** The first row. */
  get(...values: Value[]): Row | undefined
  all(...values: Value[]): Row[]
}

/** Writes, in the transaction of this turn of the event loop. */
export interface Change {
  /** @returns how many rows it changed */
  run(...values: Value[]): number
}

/** What was written in one turn of the event loop. */
interface Batch {
  readonly committed: Deferred
  readonly durable: Deferred
}

/**
 * A database in a directory. All that is written in one turn of the event loop is one transaction, which is committed at the end of the
 * turn: {@link committed} tells whether, and {@link settled} when it is durable. Reads see what was written at once.
 */
export class Storage extends EventEmitter<StorageEvents> implements AsyncDisposable {
  readonly #file: string
  readonly #database: Database
  readonly #lock: Database
  readonly #checkpoints: Checkpoints
  readonly #logSync: LogSync | undefined
  readonly #begin: PreparedStatement
  readonly #commit: PreparedStatement
  readonly #size: PreparedStatement
  /** Whether there is a transaction: from the first read or write of a turn to its end. */
  #isOpen = false
  /** What was written in this turn. */
  #batch: Batch | undefined
  #batchError: BytestreamError | undefined
  /** Committed, and not yet on its way to the disk. */
  readonly #notDurable: Deferred[] = []
  /** There has been a commit since it was looked at how long the log is. */
  #isLogUnseen = false
  /** Whether what was committed last is durable. */
  #durable: Promise<void> = Promise.resolve()
  #end: BytestreamError | undefined
  #closing: Promise<void> | undefined

  /** @throws BytestreamError whose code says what is wrong, and its message what to do: `ERR_STORAGE…` */
  static async open(init: StorageInit): Promise<Storage> {
    const driver = await loadDriver()
    const file = databaseIn(init.directory)
    makePlace(init.directory)
    const lock = holdPlace(driver, init.directory)
    let database: Database | undefined
    try {
      makeFile(file)
      database = driver.open(file)
      prepare(database, init, file)
      return new Storage(driver, file, database, lock, init.isPowerSafe ?? true)
    } catch (error) {
      database?.close()
      lock.close()
      throw storageError(error, file)
    }
  }

  private constructor(driver: Driver, file: string, database: Database, lock: Database, isPowerSafe: boolean) {
    super()
    this.#file = file
    this.#database = database
    this.#lock = lock
    this.#begin = database.prepare('BEGIN')
    this.#commit = database.prepare('COMMIT')
    this.#size = rows(database, SIZE)
    const look = rows(database, 'PRAGMA wal_checkpoint(NOOP)')
    const copy = rows(database, 'PRAGMA wal_checkpoint(PASSIVE)')
    this.#checkpoints = new Checkpoints(
      { look: () => this.#attempt(() => look.get()) as Progress, copy: () => void this.#attempt(() => copy.get()) },
      () => new SqlThread(driver, file),
      (error) => this.emit('strained', error),
    )
    if (isPowerSafe) this.#logSync = new LogSync(`${file}-wal`, (error) => this.#fail(error))
  }

  /** Prepared once. */
  query<Row extends readonly Value[]>(sql: string): Query<Row> {
    const statement = this.#attempt(() => rows(this.#database, sql))
    const read = <Result>(work: () => Result): Result => {
      if (!this.#end) this.#ensureOpen()
      return this.#attempt(work)
    }
    return {
      get: (...values) => read(() => statement.get(...values)) as Row | undefined,
      all: (...values) => read(() => statement.all(...values)) as Row[],
    }
  }

  /** Prepared once. One that fails takes with it all that was written in its turn of the event loop. */
  change(sql: string): Change {
    const statement = this.#attempt(() => this.#database.prepare(sql))
    return {
      run: (...values) => {
        const isFirst = this.#ensureBatch()
        try {
          return (isFirst ? this.#runFirst(statement, values) : statement.run(...values)).changes as number
        } catch (cause) {
          this.#batchError ??= storageError(cause, this.#file)
          throw this.#batchError
        }
      },
    }
  }

  /** Octets of the database, without its log and without what was deleted, which leaves room for what comes. */
  get bytes(): number {
    const [bytes] = this.#attempt(() => this.#size.get()) as readonly [number]
    return bytes
  }

  /**
   * Settles when all that was written so far is committed: the next process finds it, however this one ends. Only with the power it may
   * be lost, until it is {@link settled}; it rejects where that does.
   */
  committed(): Promise<void> {
    if (this.#batch) return this.#batch.committed.promise
    return this.#end && !this.#closing ? Promise.reject(this.#end) : Promise.resolve()
  }

  /**
   * Settles when all that was written so far is durable. Rejects when what was written in this turn is not, and never will be;
   * once {@link StorageEvents.failed} was told, always.
   */
  settled(): Promise<void> {
    if (this.#batch) return this.#batch.durable.promise
    return this.#end && !this.#closing ? Promise.reject(this.#end) : this.#durable
  }

  #attempt<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (cause) {
      throw storageError(cause, this.#file)
    }
  }

  /** Reads of one turn have one transaction, too: to begin one costs as much as most of them. */
  #ensureOpen(): void {
    if (this.#isOpen) return
    this.#attempt(() => this.#begin.run())
    this.#isOpen = true
    // Behind whatever else is read from sockets in this turn.
    setImmediate(() => this.#finishTurn())
  }

  /** @returns whether nothing was written in this turn yet */
  #ensureBatch(): boolean {
    if (this.#batchError) throw this.#batchError
    if (this.#batch) return false
    if (this.#end) throw this.#end
    this.#ensureOpen()
    this.#batch = { committed: new Deferred(), durable: new Deferred() }
    return true
  }

  /** Where another program writes, or has written since this turn has read something, what is read from now on is later than that. */
  #runFirst(statement: PreparedStatement, values: readonly Value[]) {
    try {
      return statement.run(...values)
    } catch (cause) {
      if (storageError(cause, this.#file).code !== 'ERR_STORAGE_IN_USE') throw cause
      this.#database.exec('COMMIT; BEGIN IMMEDIATE')
      return statement.run(...values)
    }
  }

  #finishTurn(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const batch = this.#batch
    try {
      if (batch && !this.#batchError) this.emit('committing')
      if (this.#batchError) throw this.#batchError
      this.#commit.run()
    } catch (cause) {
      this.#rollBack(batch, storageError(cause, this.#file))
      return
    }
    if (batch) this.#tellCommitted(batch)
  }

  #tellCommitted(batch: Batch): void {
    this.#batch = undefined
    this.#durable = batch.durable.promise
    batch.committed.resolve()
    this.#notDurable.push(batch.durable)
    if (this.#isLogUnseen) this.#checkpoints.afterCommit()
    this.#isLogUnseen = true
    // To wake a thread takes as long as a commit: whoever is told now does not wait for that either.
    setImmediate(() => this.#seeToDisk())
  }

  #seeToDisk(): void {
    for (const durable of this.#notDurable.splice(0)) {
      if (this.#logSync) this.#logSync.add(durable)
      else durable.resolve()
    }
    // Between two transactions; where the next has begun, behind its commit.
    if (!this.#isLogUnseen || this.#isOpen) return
    this.#isLogUnseen = false
    this.#checkpoints.afterCommit()
  }

  #rollBack(batch: Batch | undefined, error: BytestreamError): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    if (!batch) return
    this.#batch = undefined
    this.#batchError = undefined
    this.emit('rolledBack', error)
    batch.committed.reject(error)
    batch.durable.reject(error)
  }

  #fail(error: BytestreamError): void {
    this.#end = error
    this.emit('failed', error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    this.#finishTurn()
    this.#seeToDisk()
    this.#end ??= new BytestreamError('ERR_STORAGE', `${this.#file} is closed`)
    await this.#checkpoints[Symbol.asyncDispose]()
    await this.#logSync?.close()
    // The driver leaves SQLite's own closing, which would do this, to the garbage collector. What stays in the log is found by the next start.
    try {
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch (error) {
      this.emit('strained', storageError(error, this.#file))
    }
    this.#database.close()
    this.#lock.close()
  }
}

function prepare(database: Database, { migrations, bytesMax }: StorageInit, file: string): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_MS_MAX}; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA foreign_keys = ON`)
  migrate(database, migrations, file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 0')
  // The log is opened with the first page that is read.
  database.prepare('PRAGMA schema_version').get()
  if (bytesMax !== undefined) limitSize(database, bytesMax)
}

/** One that is larger already stays as large as it is. */
function limitSize(database: Database, bytesMax: number): void {
  const [pageBytes] = rows(database, 'PRAGMA page_size').get() as readonly [number]
  database.prepare(`PRAGMA max_page_count = ${Math.max(Math.floor(bytesMax / pageBytes), 1)}`).get()
}

function rows(database: Database, sql: string): PreparedStatement {
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  return statement
}
