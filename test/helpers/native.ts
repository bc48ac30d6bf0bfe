import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { ExecutionContext, TestFn } from 'ava'
import { loadNativeRelay, type NativeEnding, type NativeFlow, type NativeFlowOptions, type NativeRelay } from '../../src/native/index.ts'
import { suiteUnless } from './foreign.ts'
import { socketPair } from './socket-pair.ts'

const loaded = loadNativeRelay()

/** Why there is no addon here, or `undefined`. */
export const nativeReason = 'reason' in loaded ? loaded.reason : undefined

/** Declares a suite that needs the addon, as `foreign` does one that needs the programs of others. */
export const nativeSuite = (suite: string): TestFn =>
  suiteUnless(nativeReason, suite, 'npm run build:native builds the addon, where a C compiler is')

/** A relay of its own, gone when the test is over. */
export function startNativeRelay(t: ExecutionContext, settings = { threads: 1, pipesMax: 1_000 }): NativeRelay {
  if ('reason' in loaded) throw new Error(loaded.reason)
  const relay = loaded.start(settings)
  t.teardown(() => relay.stop())
  return relay
}

export const NOTHING_EARLY: NativeFlowOptions = { early: [undefined, undefined] }

/** The descriptor of a socket that has been read no further than JavaScript has taken octets from it. */
export function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number; readStop(): void } }
  handle.readStop()
  return handle.fd
}

/** A bytestream in the relay, and the sockets of both who use it. */
export interface NativeBytestream {
  readonly first: Socket
  readonly second: Socket
  readonly flow: NativeFlow
  readonly done: Promise<NativeEnding>
}

export async function nativeBytestream(t: ExecutionContext, relay: NativeRelay, options = NOTHING_EARLY): Promise<NativeBytestream> {
  const [one, other] = [await socketPair(t, { allowHalfOpen: true }), await socketPair(t, { allowHalfOpen: true })]
  let tell: (ending: NativeEnding) => void = () => {}
  const done = new Promise<NativeEnding>((resolve) => {
    tell = resolve
  })
  const flow = relay.add(descriptorOf(one.accepted), descriptorOf(other.accepted), options, tell)
  for (const { accepted } of [one, other]) accepted.destroy()
  return { first: one.connected, second: other.connected, flow, done }
}

/** Whatever comes until the end of the stream. */
export async function everythingFrom(socket: Socket): Promise<Buffer> {
  const octets: Buffer[] = []
  socket.on('data', (some: Buffer) => octets.push(some))
  await once(socket, 'end')
  return Buffer.concat(octets)
}

/** The first octets, as many as are named. */
export async function octetsFrom(socket: Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const octets: Buffer | null = socket.read(bytes)
    if (octets !== null) return octets
    await once(socket, 'readable')
  }
}

/** @returns the code of the error that ended it */
export async function errorOf(socket: Socket): Promise<string | undefined> {
  socket.resume()
  const [error]: NodeJS.ErrnoException[] = await once(socket, 'error')
  return error?.code
}

/** Descriptors of this process, with the flags they were opened with. */
export function openDescriptors(): ReadonlyMap<string, number> {
  const flagsOf = (name: string): number => {
    try {
      return Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1] ?? '', 8)
    } catch {
      return Number.NaN // The one that read the folder.
    }
  }
  return new Map(
    readdirSync('/proc/self/fd')
      .map((name) => [name, flagsOf(name)] as const)
      .filter(([, flags]) => !Number.isNaN(flags)),
  )
}

/** The descriptors that were not open before: what others close meanwhile counts for nothing. */
export function descriptorsSince(before: ReadonlyMap<string, number>): string[] {
  return [...openDescriptors().keys()].filter((name) => !before.has(name))
}
