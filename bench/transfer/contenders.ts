import type { ForeignProgram } from '../../test/helpers/foreign-programs.ts'
import { floor, scp, streams } from './plain.ts'
import type { Stage } from './stage.ts'
import { directOn, type NodeProgram, proxiedOn, slixmpp } from './xmpp.ts'

/** CPU time of one run, in seconds. */
interface Cost {
  /** Both ends: their processes from start to end. */
  readonly ends: number
  /** What stands between them, and the server they log in to. */
  readonly relay?: number
}

/** Something that moves files. */
export interface Mover extends AsyncDisposable {
  /** Has to store the file at `copy`. */
  move(source: string, copy: string): Promise<Cost>
}

export interface Contender {
  readonly name: string
  readonly needs: readonly ForeignProgram[]
  /** Starts what has to be there before, which is not measured. */
  start(stage: Stage): Promise<Mover>
}

/** Our commands, as one version of Node runs them. */
export interface Ours {
  readonly version: string
  readonly direct: Contender
  readonly proxied: Contender
}

export const oursOn = (node: NodeProgram): Ours => ({ version: node.version, direct: directOn(node), proxied: proxiedOn(node) })
export const others: readonly Contender[] = [slixmpp, scp, streams, floor]
export { floor, type NodeProgram, slixmpp }
