// `CALLS METHOD`: calls a function so often, once a file goes that way. `node --trace-opt` tells whether it was optimised.

import { optimiseRarely } from '../../src/cli/rare-optimization.ts'

optimiseRarely(process.argv[3] === 'ibb' ? 'ibb' : 'proxy')

function busyBody(turns: number): number {
  let sum = 0
  for (let turn = 0; turn < turns; turn += 1) sum += turn % 7
  return sum
}

let sum = 0
for (let calls = Number(process.argv[2]); calls > 0; calls -= 1) sum += busyBody(20)
console.log(`the sum is ${sum}`)
