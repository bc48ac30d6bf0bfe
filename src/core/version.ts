import { createRequire } from 'node:module'

const manifest = createRequire(import.meta.url)('../../package.json') as { readonly version: string }

/** The version of this package. */
export const version = manifest.version

/** What this software is called where it says whose it is (XEP-0115 §4). */
export const softwareUri = 'https://www.npmjs.com/package/streamhost'
