import { Bench } from 'tinybench'

/** How often a contestant runs between two looks at the clock, which is too coarse for a single run. */
const RUNS = 100
const MS_PER_CONTESTANT = 500

/**
 * Races contestants against each other in one process, and prints for each how long it takes and how many times as long
 * as the first. Only the ratios mean anything on another machine.
 *
 * @param contestants by name; the first is what the others are compared with
 * @returns the ratios
 */
export async function race(title: string, contestants: Readonly<Record<string, () => void>>): Promise<Record<string, number>> {
  const bench = new Bench({ time: MS_PER_CONTESTANT, warmupTime: MS_PER_CONTESTANT / 2 })
  for (const [name, run] of Object.entries(contestants)) {
    bench.add(name, () => {
      for (let i = 0; i < RUNS; i++) run()
    })
  }
  await bench.run()
  const microseconds = bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`)
    return (1000 * result.latency.p50) / RUNS
  })
  const ratios = microseconds.map((time) => time / (microseconds[0] as number))
  console.log(`\n${title}`)
  for (const [index, { name }] of bench.tasks.entries()) {
    console.log(`  ${name.padEnd(40)} ${microseconds[index]?.toFixed(2).padStart(9)} µs   × ${ratios[index]?.toFixed(2)}`)
  }
  return Object.fromEntries(bench.tasks.map(({ name }, index) => [name, ratios[index] as number]))
}
