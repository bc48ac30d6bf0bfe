import type { Bytestream } from '../bytestream.ts'
import type { InBandTarget } from '../in-band/in-band-target.ts'
import type { BytestreamTarget, ExpectInit } from '../socks5/target.ts'

/** Those who wait for what was negotiated. */
export interface StreamTargets {
  readonly socks5: BytestreamTarget
  readonly inBand: InBandTarget
}

/** The ways a stream may come. */
export type ExpectedMethods = 'socks5' | 'inBand' | 'either'

/**
 * Waits for a stream that was negotiated. With `either` it may come over a streamhost or in band, as it does when no
 * streamhost has worked: what is opened first is the stream.
 *
 * @throws BytestreamError as {@link BytestreamTarget.expect} and {@link InBandTarget.expect} do; with `either`, as the former
 */
export async function expectStream({ socks5, inBand }: StreamTargets, methods: ExpectedMethods, init: ExpectInit): Promise<Bytestream> {
  if (methods === 'inBand') return inBand.expect(init)
  if (methods === 'socks5') return socks5.expect(init)
  const decided = new AbortController()
  const signal = init.signal ? AbortSignal.any([init.signal, decided.signal]) : decided.signal
  const overStreamhost = socks5.expect({ ...init, signal })
  const opened = inBand.expect({ ...init, signal })
  let winner: Bytestream | undefined
  try {
    winner = await Promise.race([overStreamhost, opened.catch(() => overStreamhost)])
    return winner
  } finally {
    decided.abort()
    for (const each of [overStreamhost, opened]) {
      each.then(
        (bytestream) => bytestream !== winner && bytestream.reset(), // Both were opened in the same moment.
        () => {},
      )
    }
  }
}
