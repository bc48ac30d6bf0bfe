import test from 'ava'
import { shortPath } from '../../src/cli/short-path.ts'

const view = { directory: '/folk/me/pictures', home: '/folk/me' }

for (const [path, expected] of [
  ['/folk/me/pictures/a.jpg', 'a.jpg'],
  ['/folk/me/pictures/day 1/a.jpg', 'day 1/a.jpg'],
  ['/folk/me/music/a.ogg', '~/music/a.ogg'],
  ['/folk/me/a', '~/a'],
  ['/folk/you/a', '/folk/you/a'],
  ['/folk/me2/a', '/folk/me2/a'],
  ['/a', '/a'],
  ['/folk/me/pictures/-rf', '~/pictures/-rf'],
  ['/folk/me/pictures/~a', '~/pictures/~a'],
  ['/folk/me/pictures', '~/pictures'],
] as const) {
  test(`${path} is ${expected} from ${view.directory}`, (t) => t.is(shortPath(path, view), expected))
}

test('without a home there is none, and what is not in the current directory is told from the root', (t) => {
  t.is(shortPath('/srv/files/shared/a', { directory: '/srv/files/shared/today', home: undefined }), '/srv/files/shared/a')
  t.is(shortPath('/srv/..a', { directory: '/srv', home: undefined }), '..a')
  t.is(shortPath('/folk/me/a', { directory: '/srv', home: '' }), '/folk/me/a')
})
