/** What scripts/compile-tests.js has made of test/. */
export default {
  files: ['build/tests/test/**/*.test.js'],
  nodeArguments: ['--enable-source-maps'],
  workerThreads: false,
  timeout: '2m',
}
