import type { WayInit } from '../bytestreams/index.ts'

/** Which way files go. */
export type Way = Omit<WayInit, 'signal'>
