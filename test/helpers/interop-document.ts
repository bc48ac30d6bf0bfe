import { readFile } from 'node:fs/promises'
import type { FileClientKind, MovedFile } from './file-clients.ts'
import type { ServerKind } from './server.ts'

const cell = ({ name }: FileClientKind, version: string) => (version ? `${name} (${version})` : name)

/** Files that were moved, to hold docs/interop.md against. */
export class SeenTransfers {
  /** Beginning of a line of the document → servers behind which it was so. */
  readonly #servers = new Map<string, string[]>()
  readonly #way: string

  /** @param way what the lines say behind the servers */
  constructor(way = '') {
    this.#way = way
  }

  add(server: ServerKind, from: FileClientKind, to: FileClientKind, { sender, receiver }: MovedFile): void {
    const line = `| ${cell(from, sender.version)} | ${cell(to, receiver.version)} |`
    this.#servers.set(line, [...(this.#servers.get(line) ?? []), server.name])
  }

  /** How many pairs of clients moved a file behind some server. */
  get size(): number {
    return this.#servers.size
  }

  /** @returns the lines the document lacks */
  async untold(): Promise<string[]> {
    const text = await readFile('docs/interop.md', 'utf8')
    return [...this.#servers].map(([line, servers]) => `${line} ${servers.join(', ')}${this.#way} |`).filter((line) => !text.includes(line))
  }
}
