/**
 * Node's decoder lets everything pass. What it made of a text becomes the same text again only if that was proper: nothing
 * outside the alphabet, all of the padding and only at the end, and no bits hidden in front of it (RFC 4648 §3.3, §3.5).
 */
export function decodeBase64(text: string): Buffer | undefined {
  const octets = Buffer.from(text, 'base64')
  return octets.toString('base64') === text ? octets : undefined
}
