// The reader that the other tests rely on takes what conforms, and nothing else.

import test, { type ExecutionContext } from 'ava'
import { readExposition, seriesValue } from '../helpers/exposition.ts'

const COUNTER = '# HELP a_total What a is\n# TYPE a_total counter\n'
const HISTOGRAM = '# HELP h What h is\n# TYPE h histogram\n'

test('what conforms is read', (t) => {
  const text = `${COUNTER}a_total{x="1",y="a \\"quote\\", a comma"} 3\na_total{x="2",y=""} 1e3\n\n# HELP g What g is\n# TYPE g gauge\ng -0.5\n`
  t.is(seriesValue(text, 'a_total{x="1",y="a \\"quote\\", a comma"}'), 3)
  t.is(seriesValue(text, 'a_total{y="",x="2"}'), 1000)
  t.is(seriesValue(text, 'g'), -0.5)
  t.throws(() => seriesValue(text, 'a_total{x="3",y=""}'))
  const full = `${HISTOGRAM}h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 5\nh_count 2\n`
  t.is(readExposition(full).get('h')?.samples.length, 4)
})

const refuses = test.macro({
  exec: (t: ExecutionContext, text: string) => void t.throws(() => readExposition(text)),
  title: (given = '') => `the reader refuses ${given}`,
})

test('a last line without an end', refuses, `${COUNTER}a_total 1`)
test('a sample without a type', refuses, 'a_total 1\n')
test('a type without help', refuses, '# TYPE a_total counter\na_total 1\n')
test('help without a type', refuses, '# HELP a_total What a is\na_total 1\n')
test('a type there is not', refuses, '# HELP a_total What a is\n# TYPE a_total count\na_total 1\n')
test('a family that is there twice', refuses, `${COUNTER}a_total 1\n${COUNTER}`)
test('a series that is there twice', refuses, `${COUNTER}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`)
test('a sample of another family', refuses, `${COUNTER}b_total 1\n`)
test('a counter below zero', refuses, `${COUNTER}a_total -1\n`)
test('a counter that is no number', refuses, `${COUNTER}a_total NaN\n`)
test('a value that is none', refuses, `${COUNTER}a_total one\n`)
test('a name that is none', refuses, `${COUNTER}a-total 1\n`)
test('a label without quotes', refuses, `${COUNTER}a_total{x=1} 1\n`)
test('a label that is there twice', refuses, `${COUNTER}a_total{x="1",x="2"} 1\n`)
test('a label with a bare quote', refuses, `${COUNTER}a_total{x="a"b"} 1\n`)
test('buckets that shrink', refuses, `${HISTOGRAM}h_bucket{le="1"} 3\nh_bucket{le="+Inf"} 2\nh_sum 5\nh_count 2\n`)
test('bounds that descend', refuses, `${HISTOGRAM}h_bucket{le="2"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 5\nh_count 2\n`)
test('a histogram without its last bucket', refuses, `${HISTOGRAM}h_bucket{le="1"} 2\nh_sum 5\nh_count 2\n`)
test('a histogram whose count is not that of its last bucket', refuses, `${HISTOGRAM}h_bucket{le="+Inf"} 2\nh_sum 5\nh_count 3\n`)
test('a histogram without a sum', refuses, `${HISTOGRAM}h_bucket{le="+Inf"} 2\nh_count 2\n`)
