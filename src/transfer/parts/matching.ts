import type { Hash } from '../../xep/index.ts'
import { pickAlgorithm } from '../hashes.ts'
import type { PartFacts } from './part-state.ts'

/** A file that is offered, or asked for. */
export interface WantedFile extends PartFacts {
  /** Names of the hashes that will come behind the content. */
  readonly hashUsed: readonly string[]
}

/** Whether both have the same name and sender: more is needed to take one for the other. */
export function isNamesake(one: PartFacts, other: PartFacts): boolean {
  return one.from === other.from && one.name === other.name && one.folder === other.folder
}

/** Whether enough is known of a file to tell it from another of its name. */
export function isRecognisable({ hashes, modifiedS }: PartFacts): boolean {
  return modifiedS !== undefined || pickAlgorithm(hashes.map(({ algo }) => algo)) !== undefined
}

/**
 * Why a file is not the one of which there is a part, as far as anybody can know before the content: where no hash of it is known
 * on both sides its date has to do, and a hash has to come.
 *
 * @returns a sentence, or nothing where it is the same
 */
export function differenceOf(part: PartFacts, wanted: WantedFile): string | undefined {
  if (part.size !== wanted.size) return 'the file has another size than the part that is here'
  const common = wanted.hashes.filter(({ algo }) => pickAlgorithm([algo]) && part.hashes.some((hash) => hash.algo === algo))
  if (common.length > 0) {
    return common.every((hash) => isAmong(hash, part.hashes)) ? undefined : 'the file has other content than the part that is here'
  }
  if (!pickAlgorithm([...wanted.hashes.map(({ algo }) => algo), ...wanted.hashUsed])) return 'its sender gives no hash of the whole file'
  if (part.modifiedS === undefined || part.modifiedS !== wanted.modifiedS) return 'the file was changed since the part came'
  return undefined
}

const isAmong = ({ algo, value }: Hash, hashes: readonly Hash[]) => hashes.every((hash) => hash.algo !== algo || hash.value.equals(value))
