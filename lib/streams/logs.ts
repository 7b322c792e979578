import { z } from 'zod'
import type { Duration } from '../core/index.ts'
import type { CallOptions } from './connection.ts'
import { readJob } from './jobs.ts'
import type { ManagementClient } from './management.ts'
import type { Navigator } from './navigation.ts'
import { readPe } from './pes.ts'

type LogCalls = Pick<ManagementClient, 'applicationTrace' | 'consoleLog' | 'productLog' | 'jobLogs'>

/** Logs and traces, by the links that elements carry. */
export function logCalls(navigator: Navigator, download: Duration): LogCalls {
  const { transport } = navigator
  const { contentTypes, links } = transport.dialect

  const text = async (link: string, options: CallOptions = {}): Promise<string> => {
    const answer = await transport.send({
      ...options,
      url: link,
      accept: `${contentTypes.text}, */*;q=0.1`,
      within: options.within ?? download,
      attemptWithin: options.within ?? download,
    })
    return answer.body.toString('utf8')
  }

  return {
    async applicationTrace(of, options = {}) {
      const known: object = typeof of === 'string' ? await readPe(navigator, of, options) : of
      const element =
        links.applicationTrace in known || typeof of === 'string'
          ? known
          : await transport.json(z.looseObject({}), { ...options, url: of.self })
      return text(navigator.link(element, links.applicationTrace), options)
    },
    async consoleLog(pe, options = {}) {
      return text(navigator.link(await readPe(navigator, pe, options), links.consoleLog), options)
    },
    productLog: async (of, options) => text(navigator.link(of, links.productLog), options),
    async jobLogs(job, options = {}) {
      const answer = await transport.send({
        ...options,
        url: navigator.link(await readJob(navigator, job, options), links.jobArchive),
        accept: `${contentTypes.archive}, application/gzip, */*;q=0.1`,
        within: options.within ?? download,
        attemptWithin: options.within ?? download,
      })
      return answer.body
    },
  }
}
