import type { JingleCondition, JingleContent } from '../../xep/index.ts'

/** @returns why a content another side offers cannot be had at all; `undefined` when somebody here may decide */
export function unusableBecause(
  content: Pick<JingleContent, 'description' | 'transport' | 'security' | 'disposition'>,
): JingleCondition | undefined {
  const { description, transport, security, disposition } = content
  if (!description || description.kind === 'unknown') return 'unsupported-applications'
  // XEP-0166 §7.2.9: a session-accept accepts no others.
  if ((disposition ?? 'session') !== 'session') return 'unsupported-applications'
  if (security !== undefined) return 'security-error'
  if (!transport || transport.kind === 'unknown') return 'unsupported-transports'
  return transport.kind === 'socks5' && transport.mode === 'udp' ? 'unsupported-transports' : undefined
}
