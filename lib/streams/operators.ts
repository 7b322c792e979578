import type { CallOptions } from './connection.ts'
import { operatorConnectionSchema, operatorSchema, peConnectionSchema, portSchema, streamSchema } from './elements.ts'
import { NotFoundError } from './errors.ts'
import { readJob } from './jobs.ts'
import type { ManagementClient, Ref } from './management.ts'
import { callOf, type Navigator } from './navigation.ts'

/** The collections that make up the graph of a job. */
export const OPERATORS = { key: 'operators', schema: operatorSchema }
/** Input ports of an operator. */
export const INPUT_PORTS = { key: 'inputPorts', schema: portSchema }
/** Output ports of an operator. */
export const OUTPUT_PORTS = { key: 'outputPorts', schema: portSchema }
const PE_CONNECTIONS = { key: 'connections', schema: peConnectionSchema }
const OPERATOR_CONNECTIONS = { key: 'connections', schema: operatorConnectionSchema }
const EXPORTED = { key: 'exportedStreams', schema: streamSchema }
const IMPORTED = { key: 'importedStreams', schema: streamSchema }

type OperatorCalls = Pick<
  ManagementClient,
  | 'operators'
  | 'operator'
  | 'inputPorts'
  | 'outputPorts'
  | 'peConnections'
  | 'operatorConnections'
  | 'exportedStreams'
  | 'importedStreams'
>

/** The graph: operators, their ports, and what connects them. */
export function operatorCalls(navigator: Navigator): OperatorCalls {
  const of = async (job: Ref | undefined, name: string, options: CallOptions): Promise<string> =>
    navigator.link(
      job === undefined ? await navigator.instance(undefined, options) : await readJob(navigator, job, options),
      name,
    )

  const operators: OperatorCalls['operators'] = ({ job, ...options } = {}) =>
    navigator.list(OPERATORS, () => of(job, 'operators', callOf(options)), options)

  return {
    operators,
    async operator(job, name, options = {}) {
      const all = await operators({ ...options, job })
      const found =
        all.find((operator) => operator.name === name) ?? only(all.filter((operator) => endsWith(operator.name, name)))
      if (found) return found
      throw new NotFoundError(`the job has no operator ${JSON.stringify(name)}.`, {
        dc: navigator.transport.dc,
        method: 'GET',
        url: typeof job === 'string' ? navigator.transport.base : job.self,
        remedy: `Its operators: ${all.map((operator) => operator.name).join(', ') || 'none'}.`,
      })
    },
    inputPorts: (operator, options) =>
      navigator.list(INPUT_PORTS, async () => Promise.resolve(navigator.link(operator, 'inputPorts')), options),
    outputPorts: (operator, options) =>
      navigator.list(OUTPUT_PORTS, async () => Promise.resolve(navigator.link(operator, 'outputPorts')), options),
    peConnections: ({ job, ...options } = {}) =>
      navigator.list(PE_CONNECTIONS, () => of(job, 'peConnections', callOf(options)), options),
    operatorConnections: ({ job, ...options } = {}) =>
      navigator.list(OPERATOR_CONNECTIONS, () => of(job, 'operatorConnections', callOf(options)), options),
    exportedStreams: (options = {}) =>
      navigator.list(EXPORTED, () => of(undefined, 'exportedStreams', callOf(options)), options),
    importedStreams: (options = {}) =>
      navigator.list(IMPORTED, () => of(undefined, 'importedStreams', callOf(options)), options),
  }
}

/** True if the name is the last part of a full operator name: `Sink` of `Main.Sink` or `app::Main.Sink`. */
export function endsWith(full: string, name: string): boolean {
  return full === name || full.endsWith(`.${name}`) || full.endsWith(`::${name}`)
}

function only<T>(found: readonly T[]): T | undefined {
  return found.length === 1 ? found[0] : undefined
}
