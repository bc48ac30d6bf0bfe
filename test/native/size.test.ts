import test from 'ava'
import { readRepositoryFile, repositoryFiles } from '../helpers/repository-files.ts'

test('the sources in C have fewer than 600 lines', (t) => {
  const files = repositoryFiles().filter((path) => /^src\/native\/.*\.[ch]$/.test(path))
  t.true(files.length > 0)
  const lines = files.reduce((sum, path) => sum + readRepositoryFile(path).split('\n').length - 1, 0)
  t.true(lines < 600, `they have ${lines}`)
})
