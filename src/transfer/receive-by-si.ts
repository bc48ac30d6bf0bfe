import {
  type ExpectedMethods,
  type ExpectInit,
  expectStream,
  type IncomingOffer,
  type MethodChoice,
  type StreamTargets,
} from '../bytestreams/index.ts'
import { BytestreamError, type Clock, toBytestreamError } from '../core/index.ts'
import { type Hash, NS, parseSiFile, type SiFile } from '../xep/index.ts'
import { type OfferedFile, offsetOf } from './acceptance.ts'
import { closeProperly, overBytestream, takeContent } from './content.ts'
import type { FileSink } from './file-sink.ts'
import { leaveOff, takeUp } from './take-up.ts'
import type { Transfer } from './transfer.ts'
import type { Sent } from './transfer-facts.ts'

/** A file that comes, and where it goes. */
interface Receiving {
  readonly sink: FileSink
  readonly expected: ExpectedMethods
  readonly init: Omit<ExpectInit, 'signal'>
  readonly transfer: Transfer
}

/**
 * Receives a file that was offered by stream initiation: waits for its bytestream, and closes that properly once the file is
 * stored, which tells the sender that all is well: see finish() in offer-by-si.ts.
 */
export async function receiveBySi(clock: Clock, targets: StreamTargets, { sink, expected, init, transfer }: Receiving): Promise<Sent> {
  await using file = sink
  const { signal } = transfer
  if (transfer.state !== 'negotiating') transfer.moveTo('negotiating')
  try {
    const begin = takeUp(file, transfer)
    const bytestream = await expectStream(targets, expected, { ...init, signal })
    return await overBytestream(transfer, { bytestream, negotiation: 'si' }, async (makeFinal) => {
      await begin()
      // What comes behind the promised size belongs to no file.
      await takeContent(clock, bytestream, file, transfer, 'ignored')
      const stored = await file.store()
      makeFinal() // Who gives up now does not take the file back.
      await closeProperly(clock, bytestream, transfer)
      return { ...stored, method: bytestream.method, confirmed: true }
    })
  } catch (thrown) {
    const error = toBytestreamError(thrown)
    await leaveOff(file, transfer, error)
    throw error
  }
}

/**
 * What an offer is about, how the bytestream may come, and the method to choose: SOCKS5 where it is offered; in band where that
 * is all there is, or as well, for when no streamhost works.
 *
 * @param choice those of the ways that are taken
 * @throws BytestreamError `ERR_BAD_PROFILE`, `ERR_NO_VALID_STREAMS` (XEP-0095 §3.2)
 */
export function readSiOffer(
  { from, payload, mimeType, methods }: IncomingOffer,
  choice: MethodChoice = 'auto',
): {
  readonly file: OfferedFile
  readonly expected: ExpectedMethods
  readonly method: string
} {
  const si = parseSiFile(payload)
  const { name, size, date, description, range } = si
  const ranges = { canResume: range !== undefined, offset: offsetOf(size, range) }
  const file = { from, name, size, date, mimeType, description, hashes: hashesOf(si), ...ranges }
  const isInBand = methods.includes(NS.inBand) && (choice === 'auto' || choice === 'ibb')
  if (methods.includes(NS.bytestreams) && choice !== 'ibb')
    return { file, expected: isInBand ? 'either' : 'socks5', method: NS.bytestreams }
  if (isInBand) return { file, expected: 'inBand', method: NS.inBand }
  throw new BytestreamError('ERR_NO_VALID_STREAMS', sentences[choice])
}

const sentences = {
  auto: 'only SOCKS5 and in-band bytestreams are supported',
  direct: 'only SOCKS5 bytestreams are taken here',
  proxy: 'only SOCKS5 bytestreams are taken here',
  ibb: 'only in-band bytestreams are taken here',
} as const satisfies Record<MethodChoice, string>

/** XEP-0096 §3 knows MD5 alone. */
function hashesOf({ hashes = [], md5 }: SiFile): readonly Hash[] {
  return md5 === undefined ? hashes : [...hashes, { algo: 'md5', value: Buffer.from(md5, 'hex') }]
}
