import { existsSync, mkdirSync, statSync } from 'node:fs'
import nodeModule from 'node:module'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

/** From Node 22.8 on; Node 20 keeps no compiled code of ES modules. */
const { enableCompileCache } = nodeModule as { enableCompileCache?: (folder: string) => unknown }

/**
 * Has Node keep the compiled code of what is loaded from here on for the next start, in the user's folder for such things
 * (docs/adr/0020). Whatever is wrong with that folder, the command starts without.
 */
export function keepCompiledCode(environment: Readonly<Record<string, string | undefined>>): void {
  if (!enableCompileCache || environment['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return
  const { XDG_CACHE_HOME: chosen = '' } = environment
  try {
    const folder = join(isAbsolute(chosen) ? chosen : join(homedir(), '.cache'), 'streamhost', 'compiled')
    if (!isOurs(folder)) return
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    enableCompileCache(folder)
  } catch {} // Nowhere to keep it: no home, or none that can be written to.
}

/**
 * Whether nobody else has put anything there, as Node runs what it finds without a further look: the folder, or the nearest there is
 * of those it will lie in, belongs to this user, and others may not write to it. Under sudo the home may be somebody else's.
 */
function isOurs(folder: string): boolean {
  let nearest = folder
  while (!existsSync(nearest)) nearest = dirname(nearest)
  const { uid, mode } = statSync(nearest)
  return uid === process.getuid?.() && (mode & 0o022) === 0
}
