import type { TransferEvents } from '../transfer/index.ts'
import type { Output } from './output.ts'

/** Tells what became of the wish that the router forwards a port. */
export function tellMapping(output: Output, step: TransferEvents['step'][0], file: string): void {
  if (step.step === 'port mapped') output.tell(step.step, { file, host: step.host, port: step.port })
  if (step.step !== 'port not mapped') return
  output.tell(step.step, { file, reason: step.reason })
  output.complain(`${file}: no port is forwarded to here: ${step.reason}`)
}
