import { type FileHandle, open } from 'node:fs/promises'
import type { ExecutionContext } from 'ava'

/** Counts the octets that this process reads from files piece by piece, until the test is over: for tests that run alone. */
export async function countReads(t: Pick<ExecutionContext, 'teardown'>): Promise<{ readonly octets: () => number }> {
  const handle = await open('/dev/null')
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const real = Object.getOwnPropertyDescriptor(prototype, 'read') as PropertyDescriptor
  let octets = 0
  Object.defineProperty(prototype, 'read', {
    ...real,
    async value(this: FileHandle, ...args: unknown[]) {
      const result = await (Reflect.apply(real.value as FileHandle['read'], this, args as never) as ReturnType<FileHandle['read']>)
      octets += result.bytesRead
      return result
    },
  })
  t.teardown(() => void Object.defineProperty(prototype, 'read', real))
  return { octets: () => octets }
}
