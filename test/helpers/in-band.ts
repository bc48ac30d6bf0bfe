import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { type Bytestream, type InBandExpectInit, type InBandInit, InBandTarget, openInBand } from '../../src/bytestreams/index.ts'
import { type Clock, silentLogger, systemClock } from '../../src/core/index.ts'
import type { Session } from '../../src/session/index.ts'

interface OpenedInBand {
  /** The end that opened. */
  readonly initiator: Bytestream
  readonly responder: Bytestream
}

/** Whoever opens in-band bytestreams between the same two sessions. */
export type InBandOpener = (init?: Partial<InBandInit>, expectInit?: Partial<InBandExpectInit>) => Promise<OpenedInBand>

/** Lets `from` open in-band bytestreams to `to`. To be called once for two sessions. */
export function inBandBetween(from: Session, to: Session, clock: Clock = systemClock): InBandOpener {
  const target = new InBandTarget({ session: to, clock, logger: silentLogger })
  return async (init = {}, expectInit = {}) => {
    const sid = init.sid ?? randomUUID()
    const [initiator, responder] = await Promise.all([
      openInBand({ session: from, clock, logger: silentLogger }, { to: to.jid, sid, ...init }),
      target.expect({ from: from.jid, sid, ...expectInit }),
    ])
    return { initiator, responder }
  }
}

/** Everything up to the end of a stream. */
export async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
