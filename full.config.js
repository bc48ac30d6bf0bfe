import base from './ava.config.js'

/** What is too long for every day: `npm run test:full`. */
export default { ...base, files: ['build/tests/test/full/**/*.full.js'], concurrency: 1, timeout: '10m' }
