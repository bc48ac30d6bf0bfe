import { join } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '..', '..')

/** A function of the source: the commands it adds, the functions it names, and the facts it tells. */
interface Teller {
  readonly commands: string[]
  readonly names: Set<string>
  readonly told: { readonly event: string; readonly fields: readonly string[] }[]
}

let loaded: ts.Program | undefined

/** All commands, with their types, which take a while to be read. */
function loadProgram(): ts.Program {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root)
  return ts.createProgram([join(root, 'src', 'cli', 'main.ts')], { ...options, skipLibCheck: true })
}

/**
 * Finds what each command gives to `Output.tell`, itself or by functions of the same files; fields by the types, so that it does not
 * matter how facts are put together.
 *
 * @returns `command event`, with the names of all its fields
 */
export function findToldFacts(paths: readonly string[]): Map<string, Set<string>> {
  loaded ??= loadProgram()
  const program = loaded
  const checker = program.getTypeChecker()
  const tellers = new Map<string, Teller>()
  for (const path of paths) {
    for (const statement of program.getSourceFile(join(root, path))?.statements ?? []) {
      if (ts.isFunctionDeclaration(statement) && statement.name) tellers.set(statement.name.text, read(statement, checker))
    }
  }
  const facts = new Map<string, Set<string>>()
  for (const teller of tellers.values()) {
    for (const { event, fields } of reached(teller, tellers).flatMap(({ told }) => told)) {
      for (const command of teller.commands) {
        const key = `${command} ${event}`
        facts.set(key, new Set([...(facts.get(key) ?? []), ...fields]))
      }
    }
  }
  return facts
}

function read(declaration: ts.FunctionDeclaration, checker: ts.TypeChecker): Teller {
  const teller: Teller = { commands: [], names: new Set(), told: [] }
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) teller.names.add(node.text)
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { text } = node.expression.name
      const [first, facts] = node.arguments
      if (text === 'command' && first && ts.isStringLiteral(first)) teller.commands.push(first.text)
      if (text === 'tell' && first && facts) {
        const fields = checker.getTypeAtLocation(facts).getProperties()
        for (const event of literals(checker.getTypeAtLocation(first))) teller.told.push({ event, fields: fields.map(({ name }) => name) })
      }
    }
    ts.forEachChild(node, visit)
  }
  if (declaration.body) visit(declaration.body)
  return teller
}

/** The texts an expression can be. */
function literals(type: ts.Type): string[] {
  return (type.isUnion() ? type.types : [type]).map((each) => {
    if (!each.isStringLiteral()) throw new TypeError('an event is told by a name that is put together')
    return each.value
  })
}

function reached(from: Teller, tellers: ReadonlyMap<string, Teller>): Teller[] {
  const found = new Set([from])
  for (const { names } of found) {
    for (const name of names) {
      const other = tellers.get(name)
      if (other && other.commands.length === 0) found.add(other)
    }
  }
  return [...found]
}
