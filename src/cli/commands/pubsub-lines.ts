import { describeValues, openFields, shortName } from '../../pubsub-client/index.ts'
import { type DataForm, type FormField, type PubsubItem, parseEntryTitle, writeXml } from '../../xep/index.ts'
import type { Output, TableLine } from '../output.ts'
import { columnsOf } from '../text.ts'

/** A terminal of fewer columns has what belongs to a line moved in by two. */
const TABLE_COLUMNS_MIN = 72
/** A wider cell moves only those behind it in its own line. */
const WIDEST_CELL_COLUMNS = 28

/** Lines whose cells are below one another; what does not fit is moved in to below the last one. Columns without a text are left out. */
export function tableLines(output: Output, rows: readonly (readonly string[])[]): TableLine[] {
  const isNarrow = (output.columns ?? TABLE_COLUMNS_MIN) < TABLE_COLUMNS_MIN
  const last = (rows[0]?.length ?? 0) - 1
  const widths = (rows[0] ?? []).map((_, at) => widthOf(rows.map((row) => row[at] ?? '')))
  return rows.map((row) => {
    const cells = row.slice(0, last).filter((_, at) => widths[at] !== 0)
    const padded = widths.slice(0, last).filter((width) => width !== 0)
    const head = cells.map((cell, at) => `${cell}${' '.repeat(Math.max(0, (padded[at] ?? 0) - columnsOf(cell)))}  `).join('')
    return { text: `${head}${row[last] ?? ''}`.trimEnd(), indent: isNarrow ? 2 : columnsOf(head) }
  })
}

function widthOf(cells: readonly string[]): number {
  return Math.max(0, ...cells.map((cell) => Math.min(columnsOf(cell), WIDEST_CELL_COLUMNS)))
}

/** Tells the fields of a form: name, value, what there is to choose from, label. */
export function tellForm(output: Output, form: DataForm): void {
  const fields = openFields(form)
  const lines = tableLines(
    output,
    fields.map((field) => [
      shortName(field.var),
      valueText(field),
      [choices(field), field.label ?? ''].filter((part) => part !== '').join(' '),
    ]),
  )
  for (const [index, field] of fields.entries()) {
    const { var: name, type = 'text-single', label, values, options = [], isRequired = false } = field
    const facts = { field: shortName(name), var: name, type, values, label, isRequired, ...(options.length > 0 && { options }) }
    output.tell('field', facts, lines[index] as TableLine)
  }
}

function valueText({ type, values }: FormField): string {
  if (type === 'boolean') return values[0] === '1' || values[0] === 'true' ? 'true' : 'false'
  return values.join(', ')
}

function choices(field: FormField): string {
  const text = describeValues(field)
  return text ? `[${text}]` : ''
}

/** What an item holds, in one line: of an entry its title, else its XML. */
export function payloadText({ payload }: PubsubItem): string {
  if (!payload) return ''
  return (parseEntryTitle(payload) ?? writeXml(payload)).trim().replaceAll(/\s*[\r\n]\s*/g, ' ')
}

/** An item as programs are told it. */
export function itemFacts({ id, publisher, payload }: PubsubItem): Record<'id' | 'publisher' | 'payload', string | undefined> {
  return { id, publisher, payload: payload && writeXml(payload) }
}
