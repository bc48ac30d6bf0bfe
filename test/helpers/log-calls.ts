import { join, relative } from 'node:path'
import ts from 'typescript'

/** One call of a logger in the source. */
export interface LogCall {
  /** `path:line`, from the root of the repository. */
  readonly at: string
  /** Names of its facts, those of objects it spreads or passes on included. */
  readonly facts: readonly string[]
  /** Those of them that are objects themselves. */
  readonly nested: readonly string[]
  /** Whether its sentence is the same every time, or chosen from some that are. */
  readonly isFixed: boolean
}

const root = join(import.meta.dirname, '..', '..')
const LEVELS = ['debug', 'info', 'warn', 'error']

/**
 * Finds every call of a `Logger`, by the types, so that it does not matter how the logger or its facts are called.
 *
 * @param planted more source text, by path
 */
export function findLogCalls(planted: Readonly<Record<string, string>>): LogCall[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options, fileNames } = ts.parseJsonConfigFileContent({ ...config, include: ['src'] }, ts.sys, root)
  const texts = new Map(Object.entries(planted).map(([path, text]) => [join(root, path), text]))
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (path, version, ...others) => {
    const text = texts.get(path)
    return text === undefined ? getSourceFile(path, version, ...others) : ts.createSourceFile(path, text, version)
  }
  const program = ts.createProgram([...fileNames, ...texts.keys()], { ...options, skipLibCheck: true }, host)
  const checker = program.getTypeChecker()
  return program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.startsWith(join(root, 'src')))
    .flatMap((file) => callsIn(file, checker))
}

function callsIn(file: ts.SourceFile, checker: ts.TypeChecker): LogCall[] {
  const calls: LogCall[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isLogger(node.expression, checker)) calls.push(describe(node, file, checker))
    ts.forEachChild(node, visit)
  }
  visit(file)
  return calls
}

function isLogger(callee: ts.Expression, checker: ts.TypeChecker): boolean {
  if (!ts.isPropertyAccessExpression(callee) || !LEVELS.includes(callee.name.text)) return false
  return checker.getNonNullableType(checker.getTypeAtLocation(callee.expression)).symbol?.name === 'Logger'
}

function describe(call: ts.CallExpression, file: ts.SourceFile, checker: ts.TypeChecker): LogCall {
  const [facts, sentence] = call.arguments
  if (!facts || !sentence) throw new TypeError(`a logger is called without facts or sentence in ${file.fileName}`)
  const properties = checker.getTypeAtLocation(facts).getProperties()
  const isNested = (property: ts.Symbol) => {
    const type = checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(property, facts))
    return (type.isUnion() ? type.types : [type]).some(isObject)
  }
  const { line } = file.getLineAndCharacterOfPosition(call.getStart(file))
  return {
    at: `${relative(root, file.fileName)}:${line + 1}`,
    facts: properties.map(({ name }) => name),
    nested: properties.filter(isNested).map(({ name }) => name),
    isFixed: isFixed(sentence),
  }
}

/** A string of a kind of its own is an intersection, and no object. */
function isObject(type: ts.Type): boolean {
  return type.isIntersection() ? type.types.every(isObject) : (type.flags & ts.TypeFlags.Object) !== 0
}

function isFixed(sentence: ts.Expression): boolean {
  if (ts.isConditionalExpression(sentence)) return isFixed(sentence.whenTrue) && isFixed(sentence.whenFalse)
  return ts.isStringLiteralLike(sentence)
}
