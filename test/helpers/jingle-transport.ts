import { PassThrough } from 'node:stream'
import type { Bytestream, BytestreamTotals, OpenTransport, TransportLink } from '../../src/bytestreams/index.ts'

import type { JingleTransport } from '../../src/xep/index.ts'

/** One side of a transport that carries nothing: what its session does with it is written down. */
export class PaperTransport {
  readonly link: TransportLink
  readonly offered: JingleTransport | undefined
  readonly begunWith: JingleTransport[] = []
  readonly infos: JingleTransport[] = []
  readonly replacedBy: JingleTransport[] = []
  /** How often it was closed, and the last error. */
  closes = 0
  closedWith: Error | undefined
  /** Opens its bytestream. */
  readonly open: () => Bytestream
  readonly fail: (error: Error) => void
  /** What it says to a transport-info, and to a transport-replace. */
  onInfo: (transport: JingleTransport) => void = () => {}
  onReplace: (transport: JingleTransport) => Promise<JingleTransport> = async (transport) => transport
  readonly opened: Promise<Bytestream>
  readonly description: JingleTransport
  #bytestream: Bytestream | undefined

  constructor(link: TransportLink, offered: JingleTransport | undefined, description: JingleTransport) {
    this.link = link
    this.offered = offered
    this.description = description
    let resolve = (_: Bytestream) => {}
    let reject = (_: Error) => {}
    this.opened = new Promise((...settle) => {
      ;[resolve, reject] = settle
    })
    this.open = () => {
      this.#bytestream = paperBytestream(link.peer)
      resolve(this.#bytestream)
      return this.#bytestream
    }
    this.fail = reject
  }

  begin(theirs: JingleTransport): void {
    this.begunWith.push(theirs)
  }

  receiveInfo(transport: JingleTransport): void {
    this.onInfo(transport)
    this.infos.push(transport)
  }

  receiveReplace(transport: JingleTransport): Promise<JingleTransport> {
    this.replacedBy.push(transport)
    return this.onReplace(transport)
  }

  close(error?: Error): void {
    this.closes++
    this.closedWith = error
    this.#bytestream?.stream.destroy()
  }
}

/** A bytestream that is over when its stream is closed. */
function paperBytestream(peer: string): Bytestream {
  const stream = new PassThrough()
  const totals = new Promise<BytestreamTotals>((resolve) => stream.once('close', () => resolve({ received: 0, sent: 0, end: 'closed' })))
  return {
    ...{ sid: 'paper', peer, method: 'ibb', streamhost: undefined, dstAddr: undefined, stream, totals },
    reset: () => void stream.destroy(),
  }
}

export const inBand = (sid: string, blockSize = 4096): JingleTransport => ({ kind: 'inBand', sid, blockSize })

export interface PaperTransports {
  readonly open: OpenTransport
  /** Those made so far. */
  readonly made: readonly PaperTransport[]
}

/** @param before settles before a transport is made, or rejects in its place */
export function paperTransports(before: () => Promise<void> | undefined = () => undefined): PaperTransports {
  const made: PaperTransport[] = []
  return {
    made,
    async open(link, offered) {
      await before()
      const transport = new PaperTransport(link, offered, offered ?? inBand(`bytestream-${made.length}`))
      made.push(transport)
      return transport
    },
  }
}

/** A file on offer. */
export const file = (name: string, size = 1) => ({ kind: 'file' as const, file: { name, size, hashes: [], hashUsed: [] } })
