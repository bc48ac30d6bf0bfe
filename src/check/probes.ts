import { activationProbes } from './activation-probes.ts'
import { discoveryProbes } from './discovery-probes.ts'
import { handshakeProbes } from './handshake-probes.ts'
import type { Probe } from './probe.ts'
import { relayProbes } from './relay-probes.ts'
import { streamhostProbes } from './streamhost-probes.ts'

/** Everything that is asked of a proxy, in this order; docs/check.md explains each. */
export const probes: readonly Probe[] = [...discoveryProbes, ...streamhostProbes, ...relayProbes, ...handshakeProbes, ...activationProbes]
