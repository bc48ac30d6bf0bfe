import test from 'ava'
import fc from 'fast-check'
import { BytestreamError, formatBytes, formatDuration, parseBytes, parseDuration } from '../../src/core/index.ts'

const parses = test.macro({
  exec(t, parse: (text: string) => number, text: string, expected: number) {
    t.is(parse(text), expected)
  },
  title: (_, __, text, expected) => `"${text}" is ${expected}`,
})
test(parses, parseBytes, '0B', 0)
test(parses, parseBytes, '1 B', 1)
test(parses, parseBytes, '10MiB', 10 * 1024 * 1024)
test(parses, parseBytes, '10 MiB', 10_485_760)
test(parses, parseBytes, '1.5GB', 1_500_000_000)
test(parses, parseBytes, '64kB', 64_000)
test(parses, parseBytes, '64KiB', 65_536)
test(parses, parseBytes, '2TiB', 2 ** 41)
test(parses, parseDuration, '250ms', 250)
test(parses, parseDuration, '30s', 30_000)
test(parses, parseDuration, '0.5s', 500)
test(parses, parseDuration, '2m', 120_000)
test(parses, parseDuration, '1h', 3_600_000)
test(parses, parseDuration, '7d', 604_800_000)

const refuses = test.macro({
  exec(t, parse: (text: string) => number, text: string) {
    const error = t.throws(() => parse(text), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_CONFIG')
    t.regex(error.message, parse === parseBytes ? /KiB.*such as "10MiB"/ : /ms.*such as "30s"/)
  },
  title: (given) => `${given} is refused, with an example of what is right`,
})
test('an amount without a unit', refuses, parseBytes, '10')
test('a unit without an amount', refuses, parseBytes, 'MiB')
test('nothing', refuses, parseBytes, '')
test('a negative amount', refuses, parseBytes, '-1MiB')
test('an exponent', refuses, parseBytes, '1e3MiB')
test('a unit in another case', refuses, parseBytes, '10mib')
test('a unit that is a property of every object', refuses, parseBytes, '1constructor')
test('an amount beyond what a number can count', refuses, parseBytes, '10000TiB')
test('an amount beyond what a number can be', refuses, parseBytes, `${'9'.repeat(400)}B`)
test('a newline behind it', refuses, parseBytes, '1B\n')
test('a unit of time for an amount', refuses, parseBytes, '10s')
test('a span of time without a unit', refuses, parseDuration, '30')
test('a unit of data for a span of time', refuses, parseDuration, '30B')

const shows = test.macro({
  exec(t, format: (value: number) => string, value: number, expected: string) {
    t.is(format(value), expected)
  },
  title: (_, __, value, expected) => `${value} is shown as ${expected}`,
})
test(shows, formatBytes, 0, '0 B')
test(shows, formatBytes, 1023, '1023 B')
test(shows, formatBytes, 1024, '1 KiB')
test(shows, formatBytes, 1536, '1.5 KiB')
test(shows, formatBytes, 1024 * 1024 - 1, '1 MiB')
test(shows, formatBytes, 10 * 2 ** 20, '10 MiB')
test(shows, formatBytes, 2 ** 30, '1 GiB')
test(shows, formatBytes, 5000 * 2 ** 40, '5000 TiB')
test(shows, formatBytes, 12.6, '13 B')
test(shows, formatBytes, Number.POSITIVE_INFINITY, 'Infinity TiB')
test(shows, formatDuration, 0, '0 ms')
test(shows, formatDuration, 999.4, '999 ms')
test(shows, formatDuration, 999.6, '1 s')
test(shows, formatDuration, 1500, '1.5 s')
test(shows, formatDuration, 59_940, '59.9 s')
test(shows, formatDuration, 59_999, '1 min')
test(shows, formatDuration, 120_000, '2 min')
test(shows, formatDuration, 3_599_999, '1 h')
test(shows, formatDuration, 100 * 3_600_000, '100 h')

test('any whole number of any unit is read exactly, up to the largest safe one', (t) => {
  const units = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }
  fc.assert(
    fc.property(fc.constantFrom(...Object.entries(units)), fc.nat({ max: 8_000 }), ([unit, scale], count) => {
      return parseBytes(`${count}${unit}`) === count * scale
    }),
  )
  t.pass()
})

test('what is shown is never 1024 of a unit that has a larger one, and differs from the truth by at most a twentieth of its unit', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
      const shown = formatBytes(bytes)
      const unit = shown.split(' ')[1] as string
      t.true(unit === 'TiB' || Number.parseFloat(shown) < 1024, shown)
      t.true(Math.abs(parseBytes(shown) - bytes) <= parseBytes(`1${unit}`) / 20 + 1, `${bytes} ${shown}`)
    }),
  )
})

test('any text is a number of octets or a coded error', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.-e kMGTKiBsmhd\n') }), (text) => {
      for (const parse of [parseBytes, parseDuration]) {
        try {
          t.true(Number.isSafeInteger(parse(text)) && parse(text) >= 0)
        } catch (error) {
          t.true(error instanceof BytestreamError)
        }
      }
    }),
  )
})
