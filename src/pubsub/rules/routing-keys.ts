import { BytestreamError } from '../../core/index.ts'

/** Of a routing key, and of a pattern. */
const KEY_BYTES_MAX = 255

/**
 * Whether the routing key of an item is one: words between dots, each as good as any.
 *
 * @throws BytestreamError `ERR_NOT_ACCEPTABLE`
 */
export function checkRoutingKey(key: string): void {
  if (key === '' || Buffer.byteLength(key) > KEY_BYTES_MAX) {
    throw new BytestreamError('ERR_NOT_ACCEPTABLE', `a routing key has 1 to ${KEY_BYTES_MAX} octets`)
  }
}

/**
 * Patterns as a subscriber wants them, each once, in an order that says nothing.
 *
 * @throws BytestreamError `ERR_PUBSUB_INVALID_OPTIONS`
 */
export function checkPatterns(patterns: readonly string[], countMax: number): readonly string[] {
  const each = [...new Set(patterns)].sort()
  if (each.length > countMax) throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', `a subscription has at most ${countMax} keys`)
  if (each.some((pattern) => pattern === '' || /\s/.test(pattern) || Buffer.byteLength(pattern) > KEY_BYTES_MAX)) {
    throw new BytestreamError('ERR_PUBSUB_INVALID_OPTIONS', `a key has 1 to ${KEY_BYTES_MAX} octets, and no space`)
  }
  return each
}

/**
 * Whether a routing key is meant by a pattern: `*` is any one word, `#` any words, also none. What has no key has no words.
 *
 * @see AMQP 0-9-1 §3.1.3.3, the topic exchange
 */
export function isKeyMeant(pattern: string, key: string | undefined): boolean {
  const [wanted, words] = [pattern.split('.'), key === undefined ? [] : key.split('.')]
  let at = 0
  let word = 0
  // Behind the last `#`, and the first word that is not one of its words: where they do not go together, it takes one more.
  let [open, taken] = [-1, 0]
  while (word < words.length) {
    if (wanted[at] === '#') {
      open = ++at
      taken = word
    } else if (at < wanted.length && (wanted[at] === '*' || wanted[at] === words[word])) {
      at++
      word++
    } else if (open >= 0) {
      at = open
      word = ++taken
    } else return false
  }
  return wanted.slice(at).every((rest) => rest === '#')
}

/** Whether one of the patterns means a key; where there are none, every key is meant. */
export const isAnyMeant = (patterns: readonly string[] | undefined, key: string | undefined): boolean =>
  patterns === undefined || patterns.length === 0 || patterns.some((pattern) => isKeyMeant(pattern, key))
