import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Addon, AddonRelay, type NativeRelay, type NativeRelaySettings } from './relay.ts'

/** How to start a relay, or why there is none here, for an admin: "it was not built: no C compiler (cc) was found". */
export type NativeRelayResult = { readonly start: (settings: NativeRelaySettings) => NativeRelay } | { readonly reason: string }

/** Where the addon is looked for. */
export interface Place {
  /** Of the package. */
  readonly folder: string
  readonly platform: string
  readonly arch: string
}

const HERE: Place = { folder: fileURLToPath(new URL('../../', import.meta.url)), platform: process.platform, arch: process.arch }
const FILE = 'streamhost-relay.node'
/** Where scripts/build-native.js leaves why there is none. */
const OUTCOME = join('build', 'native.json')

/**
 * The addon: one that came with the package, or else the one that was built when it was installed.
 *
 * @param environment `STREAMHOST_NO_NATIVE` does without, whatever it says
 */
export function loadNativeRelay(environment: NodeJS.ProcessEnv = process.env, place: Place = HERE): NativeRelayResult {
  if (environment['STREAMHOST_NO_NATIVE']) return { reason: 'STREAMHOST_NO_NATIVE is set' }
  if (place.platform !== 'linux') return { reason: `there is none for ${place.platform}` }
  const complaints: string[] = []
  for (const path of candidates(place).filter((candidate) => existsSync(join(place.folder, candidate)))) {
    try {
      const addon: Addon = createRequire(import.meta.url)(join(place.folder, path))
      return { start: (settings) => new AddonRelay(addon, settings) }
    } catch (error) {
      complaints.push(firstLine(error).replaceAll(place.folder, ''))
    }
  }
  if (complaints.length > 0) return { reason: `it could not be loaded: ${complaints.join('; ')}` }
  return { reason: `it was not built: ${whyNotBuilt(place.folder)}` }
}

function candidates({ folder, arch }: Place): string[] {
  const built = join('build', FILE)
  if (!existsSync(join(folder, 'prebuilds'))) return [built]
  return [join('prebuilds', `linux-${arch}${isMusl() ? '-musl' : ''}`, FILE), built]
}

/** Whether this Node was not linked to glibc. */
function isMusl(): boolean {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined
}

function whyNotBuilt(folder: string): string {
  try {
    const { reason }: { reason?: unknown } = JSON.parse(readFileSync(join(folder, OUTCOME), 'utf8'))
    if (typeof reason === 'string') return reason
  } catch {
    // The script leaves it whenever it can write: it has not run, or could not.
  }
  return 'install scripts were not run'
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
