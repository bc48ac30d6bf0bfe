import type { Reach } from '../../src/bytestreams/index.ts'

/** For those whose network is this machine: peers may name streamhosts on loopback. */
export const anywhere = { mayConnect: () => true } as const satisfies Reach
