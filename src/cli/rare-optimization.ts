import { setFlagsFromString } from 'node:v8'
import type { BytestreamMethod } from '../bytestreams/index.ts'

/** In octets of bytecode: 30 times what V8 of Node 20 has by itself. */
const BUDGET = '--interrupt-budget=4000000'

/**
 * Has V8 optimise a function only after it has done much more than usual, in Node 20: what is newer waits longer anyway. A file that
 * goes over a connection of its own is hashed by OpenSSL and moved by the kernel: of a GiB, optimising what runs between them takes
 * more than it saves (docs/adr/0020). In band it is worth it. Whoever gave `node` a budget has chosen otherwise.
 */
export function optimiseRarely(method: BytestreamMethod): void {
  const isChosen = process.execArgv.some((option) => /interrupt[-_]budget/.test(option))
  if (method !== 'ibb' && !isChosen && process.versions.node.startsWith('20.')) setFlagsFromString(BUDGET)
}
