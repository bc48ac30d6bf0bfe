import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** Where scripts/compile-tests.js has put what it made of one of our programs, named by its path from the root. */
export const compiled = (source: string): string => join(root, 'build', 'tests', source.replace(/\.ts$/, '.js'))

/** What Node is given to run it as a process of its own. */
export const ourProgram = (source: string): readonly string[] => ['--enable-source-maps', compiled(source)]
