import type { TestFn } from 'ava'
import { suiteUnless } from './foreign.ts'
import { type Major, whyNoNode } from './node-versions.ts'

/** Declares a suite that needs that major, as `foreign` does one that needs the programs of others. */
export const nodeSuite = (major: Major, missing?: string): TestFn =>
  suiteUnless(
    missing ?? whyNoNode(major),
    `Node ${major}`,
    'npm run test:setup fetches other versions of Node, npm run build:native builds the addon',
  )
