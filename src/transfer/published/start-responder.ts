import { BytestreamError } from '../../core/index.ts'
import type { Session } from '../../session/index.ts'
import { buildStarting, type Element, type IqRequest, NS, parseStart } from '../../xep/index.ts'
import type { Publications } from './publications.ts'

/**
 * Answers those who ask for what was published.
 *
 * @see XEP-0358 §2.2, XEP-0137 §3.3
 */
export class StartResponder {
  /** Where nothing is published, nobody here knows of such requests. */
  publications: Publications | undefined

  constructor({ iqs }: Session) {
    for (const xmlns of [NS.jinglePub, NS.siPub]) iqs.handle('get', xmlns, 'start', (request) => this.#answer(request))
  }

  async #answer({ from, payload }: IqRequest): Promise<Element> {
    const start = parseStart(payload)
    const { publications } = this
    if (!start || !publications?.protocols.includes(start.protocol))
      throw new BytestreamError('ERR_SERVICE_UNAVAILABLE', 'nothing is published here')
    const { protocol, id } = start
    return buildStarting(protocol, await publications.start({ from, id, protocol }))
  }
}
