import { relative } from 'node:path'

/** From where a path is looked at. */
interface Viewpoint {
  /** The current directory. */
  readonly directory: string
  /** The user's own one, if that is known. */
  readonly home: string | undefined
}

/** The shortest way to write an absolute path: as it is, from the current directory that it is in, or from the user's own one. */
export function shortPath(path: string, { directory, home }: Viewpoint): string {
  const near = relative(directory, path)
  // What a shell would take for something else, or lies elsewhere, keeps to where it is.
  const ways = [path, ...(near === '' || /^([-~]|\.\.(\/|$))/.test(near) ? [] : [near])]
  if (home !== undefined && home !== '' && path.startsWith(`${home}/`)) ways.push(`~${path.slice(home.length)}`)
  return ways.reduce((shortest, way) => (way.length < shortest.length ? way : shortest))
}
