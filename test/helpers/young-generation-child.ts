// Tells how much V8 takes for young objects after many, in MiB. Started by test/cli/young-generation.test.ts.

import { getHeapSpaceStatistics } from 'node:v8'
import { keepYoungGeneration } from '../../src/cli/young-generation.ts'

keepYoungGeneration(process.env)
const kept: object[] = []
for (let count = 0; count < 3_000_000; count++) kept[count % 20_000] = { of: [count] }
const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
console.log((young?.space_size ?? 0) / 2 ** 20)
