import { readFileSync } from 'node:fs'
import { defaultMemoryBytesMax } from './relay/socket-memory.ts'

/** What bounds a streamhost: each wait has a deadline, each thing that grows a maximum. */
export interface StreamhostLimits {
  /**
   * Sockets in all; at the maximum one in its handshake is closed for the new one, if there is one. Default: ¾ of the
   * descriptors this process may open, at most 15,000. Lowered where that many descriptors cannot be had.
   */
  readonly openSocketsMax: number
  /** Sockets in their handshake. At the maximum the oldest of the busiest source is closed for the new one. Default 4,096. */
  readonly halfOpenMax: number
  /** Sockets that wait for the other side or for activation. Default 8,192. */
  readonly waitingMax: number
  /** Sockets of one source, an IPv4 address or the /64 of an IPv6 address; at the maximum as with all. Default 512. */
  readonly openPerSourceMax: number
  /** Sockets of one source in their handshake; at the maximum its oldest is closed for the new one. Default 256. */
  readonly halfOpenPerSourceMax: number
  /** Sockets of one DST.ADDR: two for each listening address, so that a target may try several. Default 4. */
  readonly perDstAddrMax: number
  /** Octets that came before activation, of all sockets together. Default 64 MiB. */
  readonly readAheadBytesMax: number
  /**
   * Memory TCP may take of this machine before the buffers of all bytestreams are made small. Default: where the kernel
   * begins to economise (`net.ipv4.tcp_mem`), or 1 GiB where that is not known.
   */
  readonly relayMemoryBytesMax: number
  /** Milliseconds for the SOCKS5 handshake. Default 10,000. */
  readonly handshakeMsMax: number
  /** Milliseconds for the other side to come, and for the activation. Default 120,000. */
  readonly waitingMsMax: number
  /** Milliseconds without an octet after activation. Default 3,600,000: an hour. */
  readonly idleMsMax: number
}

/** What every system gives, where it cannot be found out how many it are. */
const DESCRIPTORS = 1_024
/** Descriptors for all that is no socket of the streamhost: XMPP, HTTP with its 256 connections, files, the runtime itself. */
const RESERVE_MAX = 512

/** Descriptors this process may open: the soft limit, which Node has raised to the hard one. Known on Linux only. */
export function descriptorLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

/**
 * Sockets for which there are descriptors, whatever a setting promises. Beyond it the kernel would accept for nobody:
 * libuv closes what comes in unseen, and neither XMPP nor a file could be opened.
 */
function openSocketsPossible(descriptors: number): number {
  return descriptors - reserveOf(descriptors)
}

function reserveOf(descriptors: number): number {
  return Math.min(RESERVE_MAX, Math.ceil(descriptors / 4))
}

/**
 * Pipes for the native engine, with two descriptors each: of what neither sockets nor the reserve need, or else of a quarter
 * of the reserve.
 */
export function pipesPossible({ openSocketsMax }: StreamhostLimits, descriptors = descriptorLimit() ?? DESCRIPTORS): number {
  const reserve = reserveOf(descriptors)
  return Math.floor(Math.max(descriptors - openSocketsMax - reserve, reserve / 4) / 2)
}

export function defaultLimits(descriptors = descriptorLimit() ?? DESCRIPTORS): StreamhostLimits {
  return {
    openSocketsMax: Math.min(15_000, Math.floor((descriptors * 3) / 4)),
    halfOpenMax: 4_096,
    waitingMax: 8_192,
    openPerSourceMax: 512,
    halfOpenPerSourceMax: 256,
    perDstAddrMax: 4,
    readAheadBytesMax: 64 * 1024 * 1024,
    relayMemoryBytesMax: defaultMemoryBytesMax(),
    handshakeMsMax: 10_000,
    waitingMsMax: 120_000,
    idleMsMax: 3_600_000,
  }
}

/** @throws TypeError naming the first limit that is no whole number from 1 on */
export function checkLimits(limits: StreamhostLimits): StreamhostLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`${name} is ${value}; a limit is a whole number from 1 on`)
  }
  return limits
}

/** The same, with no more open sockets than there are descriptors for. */
export function withinDescriptors(limits: StreamhostLimits, descriptors = descriptorLimit()): StreamhostLimits {
  if (descriptors === undefined) return limits
  return { ...limits, openSocketsMax: Math.min(limits.openSocketsMax, openSocketsPossible(descriptors)) }
}
