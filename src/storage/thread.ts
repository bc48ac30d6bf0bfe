import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Driver } from './driver.ts'
import { storageError } from './storage-error.ts'

/** What the thread runs: as text, since that needs no file of its own, whatever the package is built into. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
import(workerData.url).then(({ DatabaseSync }) => {
  const database = new DatabaseSync(workerData.file)
  parentPort.on('message', (sql) => {
    if (sql === undefined) {
      database.close()
      parentPort.close()
      return
    }
    try {
      parentPort.postMessage({ row: database.prepare(sql).get() })
    } catch ({ message, errcode }) {
      parentPort.postMessage({ failure: { message, errcode } })
    }
  })
})`

/** Its heap holds this program, and a row. */
const HEAP = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 }

type Answer<Row> = { readonly row: Row } | { readonly failure: { readonly message: string; readonly errcode: number } }

/** A connection of its own to a database, in a thread: for what takes longer than the event loop may be kept. */
export class SqlThread implements AsyncDisposable {
  readonly #file: string
  readonly #worker: Worker
  readonly #gone: Promise<unknown>

  constructor(driver: Driver, file: string) {
    this.#file = file
    this.#worker = new Worker(PROGRAM, { eval: true, workerData: { url: driver.url, file }, resourceLimits: HEAP, execArgv: [] })
    this.#gone = once(this.#worker, 'exit').then(
      () => ({ failure: { message: 'its thread has ended' } }),
      (failure: Error) => ({ failure }),
    )
  }

  /**
   * One thing at a time.
   *
   * @returns the first row
   * @throws BytestreamError
   */
  async ask<Row>(sql: string): Promise<Row> {
    const heard = new Promise((resolve) => this.#worker.once('message', resolve))
    this.#worker.postMessage(sql)
    const answer = (await Promise.race([heard, this.#gone])) as Answer<Row>
    if ('row' in answer) return answer.row
    throw storageError(answer.failure, this.#file)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.postMessage(undefined)
    await this.#gone
  }
}
