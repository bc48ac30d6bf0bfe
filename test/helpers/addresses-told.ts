import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** The one way to write an IPv6 address, by which two are compared. */
const canonical = (address: string) => new URL(`http://[${address.split('%')[0]}]`).hostname

/** How an address may be written without being one for everybody: IPv4 in hexadecimal, as one number, and within IPv6. */
function writingsOf(address: string): { readonly words: readonly string[]; readonly ipv6: string } {
  if (isIP(address) === 6) return { words: [], ipv6: canonical(address) }
  const octets = address.split('.').map(Number)
  const hex = Buffer.from(octets).toString('hex')
  const padded = octets.map((octet) => String(octet).padStart(3, '0')).join('.')
  return {
    words: [address, padded, address.replaceAll('.', '-'), hex, String(Number.parseInt(hex, 16))],
    ipv6: canonical(`::ffff:${address}`),
  }
}

/** @returns which of these addresses are in a text, however they are written */
export function addressesToldIn(text: string, addresses: readonly string[]): string[] {
  const lower = text.toLowerCase()
  const words = new Set(lower.split(/[^0-9a-z.-]+/).flatMap((word) => [word, ...word.split(/[.-](?=\D)/)]))
  const found = new Set([...lower.matchAll(/[0-9a-f]*:[0-9a-f:.]*/g)].flatMap(([token]) => (isIP(token) === 6 ? [canonical(token)] : [])))
  return addresses.filter((address) => {
    const writings = writingsOf(address.toLowerCase())
    return found.has(writings.ipv6) || writings.words.some((writing) => words.has(writing))
  })
}

/** Every address of this machine, those nobody else can reach included. */
export const everyOwnAddress = (): string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))
