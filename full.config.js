import base from './ava.config.js'

/** What is too long for every day: `npm run test:full`. */
export default { ...base, files: ['test/full/**/*.full.ts'], concurrency: 1, timeout: '10m' }
