import type { AffiliationRecord } from '../records.ts'

/** What each account is at which nodes. */
export class AccountAffiliations {
  readonly #of = new Map<string, Map<number, AffiliationRecord>>()

  set(record: AffiliationRecord): void {
    const nodes = this.#of.get(record.account) ?? new Map<number, AffiliationRecord>()
    this.#of.set(record.account, nodes.set(record.nodeId, record))
  }

  remove(nodeId: number, account: string): void {
    const nodes = this.#of.get(account)
    nodes?.delete(nodeId)
    if (nodes?.size === 0) this.#of.delete(account)
  }

  /** By node. */
  of(account: string): readonly AffiliationRecord[] {
    return [...(this.#of.get(account)?.values() ?? [])].sort((one, other) => one.nodeId - other.nodeId)
  }

  countOf(account: string): number {
    return this.#of.get(account)?.size ?? 0
  }
}
