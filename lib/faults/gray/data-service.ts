import { eventually } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { RequestTimeoutError, UnreachableError } from '../../streams/index.ts'
import type { Confirmation, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'

/** Waits until the data service of a data centre lists endpoints of the application. */
export async function dataServiceAnswers(context: FaultContext, dc: DcName): Promise<Confirmation> {
  const { job } = context.environment.dcs[dc].application
  const answered = await eventually(
    async (signal) => {
      const { jobs } = await context.clients[dc].data.discover({ attempts: 1, within: '2s', signal })
      const endpoints = jobs.find(({ name }) => name === job)?.endpoints.length ?? 0
      return endpoints > 0 ? { done: true, value: endpoints } : { done: false, seen: `no endpoints of ${job}` }
    },
    { within: '14s', every: '20ms', signal: context.signal, describe: `the data service of ${dc} to answer` },
  )
  return { evidence: { endpoints: answered.value } }
}

/**
 * How the data service of a data centre fails its client.
 * @throws FaultTargetError if it does not: it answers
 */
export async function dataClient(context: FaultContext, dc: DcName): Promise<string> {
  try {
    await context.clients[dc].data.discover({ attempts: 1, within: '1s', signal: context.signal })
  } catch (error) {
    if (error instanceof UnreachableError) return `unreachable: ${error.kind}`
    if (error instanceof RequestTimeoutError) return 'no answer'
    throw error
  }
  throw new FaultTargetError(`The data service of ${dc} answers its client.`)
}
