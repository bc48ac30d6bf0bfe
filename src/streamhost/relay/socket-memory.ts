import { readFileSync } from 'node:fs'
import type { Clock } from '../../core/index.ts'
import type { Relay } from './engine.ts'

/** What a socket gets for what it has to send once memory is short; with less a bytestream would be slow. */
const BUFFER_BYTES = 64 * 1024
/** Milliseconds between two looks at the memory of the kernel. */
const LOOK_MS = 250
/** Where the system does not say from where on it economises. */
const MEMORY_BYTES_MAX = 1024 * 1024 * 1024
/** Of the auxiliary vector a process is started with: what tells the size of a page (getauxval(3)). */
const AT_PAGESZ = 6n
const PAGE_BYTES = 4_096

/**
 * Keeps readers that do not read from taking the memory of the machine. As long as TCP takes less of it than
 * `memoryBytesMax`, the kernel sizes the buffers of bytestreams as it sees fit; above that all are bounded, those that
 * come later too, until it is half of that again. Small buffers cost speed, so none is bounded before.
 */
export class SocketMemory {
  readonly #clock: Clock
  readonly #memoryBytesMax: number
  readonly #taken: () => number | undefined
  readonly #relays = new Set<Relay>()
  #isShort = false
  #cancelLook: (() => void) | undefined

  /** @param taken tells how much TCP takes now, in octets; `undefined` where that is not known */
  constructor(clock: Clock, memoryBytesMax: number, taken = tcpMemory) {
    this.#clock = clock
    this.#memoryBytesMax = memoryBytesMax
    this.#taken = taken
  }

  add(relay: Relay): void {
    this.#relays.add(relay)
    if (this.#isShort) relay.boundBuffers(BUFFER_BYTES)
    if (!this.#cancelLook) this.#lookLater()
  }

  delete(relay: Relay): void {
    this.#relays.delete(relay)
    if (this.#relays.size > 0) return
    this.#cancelLook?.()
    this.#cancelLook = undefined
    this.#isShort = false
  }

  #lookLater(): void {
    this.#cancelLook = this.#clock.after(LOOK_MS, () => {
      this.#look(this.#taken() ?? 0)
      this.#lookLater()
    })
  }

  #look(bytes: number): void {
    if (this.#isShort && bytes <= this.#memoryBytesMax / 2) {
      this.#isShort = false
    } else if (!this.#isShort && bytes > this.#memoryBytesMax) {
      this.#isShort = true
      for (const relay of this.#relays) relay.boundBuffers(BUFFER_BYTES)
    }
  }
}

/** From where on the kernel itself economises: the second number of `net.ipv4.tcp_mem` (tcp(7)), in octets. */
export function defaultMemoryBytesMax(): number {
  const [, pressure] = read('/proc/sys/net/ipv4/tcp_mem')?.trim().split(/\s+/) ?? []
  return pressure === undefined ? MEMORY_BYTES_MAX : Number(pressure) * pageBytes()
}

/** What TCP takes of the kernel's memory, on the whole machine. `/proc/net` is hidden where `ProcSubset=pid` is set (systemd.exec(5)). */
function tcpMemory(): number | undefined {
  const pages = /^TCP:.* mem (\d+)/m.exec(read('/proc/self/net/sockstat') ?? '')?.[1]
  return pages === undefined ? undefined : Number(pages) * pageBytes()
}

let page: number | undefined

function pageBytes(): number {
  page ??= readPageBytes()
  return page
}

/** Pairs of words: what it is, and its value. */
function readPageBytes(): number {
  try {
    const { buffer, byteOffset, length } = readFileSync('/proc/self/auxv')
    const words = new BigUint64Array(buffer.slice(byteOffset, byteOffset + length))
    for (let index = 0; index + 1 < words.length; index += 2) if (words[index] === AT_PAGESZ) return Number(words[index + 1])
  } catch {
    // A system without it, or of 32 bits: they have the common size.
  }
  return PAGE_BYTES
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
