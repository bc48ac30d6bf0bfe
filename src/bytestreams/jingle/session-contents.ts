import { BytestreamError } from '../../core/index.ts'
import type { JingleContent, JingleRole, JingleTransport } from '../../xep/index.ts'
import { type ContentAction, type ContentStanding, type ContentVerdict, isErrorCode, judgeContent } from './action-table.ts'
import { type SessionContent, weightOf } from './session-content.ts'

/** Contents of one session, those that are being removed included. */
const CONTENTS_MAX = 100
/** What is kept of them, roughly. */
const CHARACTERS_MAX = 524_288

/** What an action wants of one content. */
export interface Addressed {
  readonly content: SessionContent
  /** What the action says of it. */
  readonly said: JingleContent
  readonly verdict: ContentVerdict
}

/** The contents of a session, as both sides know them: one that is removed stays until the other side has acknowledged that. */
export class SessionContents {
  readonly #contents = new Map<string, SessionContent>()

  get all(): readonly SessionContent[] {
    return [...this.#contents.values()]
  }

  /** Those that are still something to somebody here. */
  get live(): readonly SessionContent[] {
    return this.all.filter(({ isOver }) => !isOver)
  }

  /** @throws BytestreamError `ERR_LIMIT_WAITING` when there are too many, `ERR_BAD_REQUEST` when there is one of that name */
  check(contents: readonly JingleContent[]): void {
    this.checkRoom(contents)
    if (this.#contents.size + contents.length > CONTENTS_MAX)
      throw new BytestreamError('ERR_LIMIT_WAITING', `a session has at most ${CONTENTS_MAX} contents`)
    if (new Set([...this.#contents.keys(), ...contents.map(keyOf)]).size < this.#contents.size + contents.length)
      throw new BytestreamError('ERR_BAD_REQUEST', 'two contents have one creator and one name')
  }

  /** @throws BytestreamError `ERR_LIMIT_WAITING` when so much cannot be kept as well */
  checkRoom(said: readonly (JingleContent | JingleTransport)[]): void {
    const kept = this.all.reduce((sum, { weight }) => sum + weight, 0)
    if (said.reduce((sum, one) => sum + weightOf(one), kept) > CHARACTERS_MAX)
      throw new BytestreamError('ERR_LIMIT_WAITING', 'the contents of the session are too large')
  }

  add(content: SessionContent): void {
    this.#contents.set(keyOf(content), content)
  }

  has(content: SessionContent): boolean {
    return this.#contents.get(keyOf(content)) === content
  }

  delete(content: SessionContent): void {
    if (this.has(content)) this.#contents.delete(keyOf(content))
  }

  /**
   * The contents an action names, all of them or none.
   *
   * @throws BytestreamError the error of the first that cannot be dealt with
   */
  addressed(action: ContentAction, sender: JingleRole, contents: readonly JingleContent[]): Addressed[] {
    return contents.map((said) => {
      const content = this.#contents.get(keyOf(said))
      const verdict = judgeContent(standingOf(content, sender), action)
      if (isErrorCode(verdict))
        throw new BytestreamError(verdict, content ? `the content is ${content.state} already` : 'there is no such content')
      return { content: content as SessionContent, said, verdict }
    })
  }
}

function standingOf(content: SessionContent | undefined, sender: JingleRole): ContentStanding {
  if (!content) return 'unknown'
  if (content.state === 'accepted') return 'accepted'
  return content.creator === sender ? 'offered by the sender' : 'offered by the receiver'
}

const keyOf = ({ creator, name }: Pick<JingleContent, 'creator' | 'name'>) => `${creator}\n${name}`
