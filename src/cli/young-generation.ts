import { setFlagsFromString } from 'node:v8'

/**
 * Keeps the young generation of V8 as small as it is. It would grow with the sockets that come and go, and stay large: 8 KiB
 * more for each that is idle (docs/adr/0015). Without a proxy there are no such sockets, and what requests leave would be kept for old
 * where there is so little room for it. Whoever gave `node` a size for it has chosen otherwise.
 */
export function keepYoungGeneration({ NODE_OPTIONS = '' }: Readonly<Record<string, string | undefined>>): void {
  const isChosen = /semi[-_]space/.test([NODE_OPTIONS, ...process.execArgv].join(' '))
  if (!isChosen) setFlagsFromString('--semi-space-growth-factor=1')
}
