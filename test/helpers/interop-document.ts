import { readFile } from 'node:fs/promises'
import type { FileClientKind, MovedFile } from './file-clients.ts'
import type { ServerKind } from './server.ts'

const cell = ({ name }: FileClientKind, version: string) => (version ? `${name} (${version})` : name)

/** What was seen with clients, to hold tables of docs/interop.md against. */
export class SeenClients {
  /** Beginning of a line of the document → servers behind which it was so. */
  readonly #servers = new Map<string, string[]>()
  readonly #way: string

  /** @param way what the lines say behind the servers */
  constructor(way = '') {
    this.#way = way
  }

  saw(server: ServerKind, ...cells: readonly string[]): void {
    const line = `| ${cells.join(' | ')} |`
    this.#servers.set(line, [...(this.#servers.get(line) ?? []), server.name])
  }

  /** How many lines were seen behind some server. */
  get size(): number {
    return this.#servers.size
  }

  /** @returns the lines the document lacks */
  async untold(): Promise<string[]> {
    const text = await readFile('docs/interop.md', 'utf8')
    return [...this.#servers].map(([line, servers]) => `${line} ${servers.join(', ')}${this.#way} |`).filter((line) => !text.includes(line))
  }
}

/** Files that were moved. */
export class SeenTransfers extends SeenClients {
  add(server: ServerKind, from: FileClientKind, to: FileClientKind, { sender, receiver }: MovedFile): void {
    this.saw(server, cell(from, sender.version), cell(to, receiver.version))
  }
}
