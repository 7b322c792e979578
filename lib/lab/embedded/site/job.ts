import type { OperatorDescription } from '../protocol.ts'
import { describeOperators } from '../pe/operators.ts'
import type { Bundle } from './bundle-file.ts'
import type { Health, StoredJob } from './model.ts'
import type { Pe } from './pe.ts'

/** An operator of a running job. */
export interface JobOperator extends OperatorDescription {
  readonly indexWithinJob: number
  readonly pe: Pe
  /** Channel of a parallel operator, whose name then ends with `[channel]`. */
  readonly channel?: number
  readonly logicalName?: string
}

/** A submitted job. */
export class Job {
  readonly stored: StoredJob
  readonly bundle: Bundle
  readonly pes: readonly Pe[]
  readonly operators: readonly JobOperator[]
  status: 'constructed' | 'running' | 'canceling' = 'constructed'
  /** The end of a cancellation that is under way. */
  ended: Promise<void> | undefined

  constructor(stored: StoredJob, bundle: Bundle, pes: readonly Pe[]) {
    this.stored = stored
    this.bundle = bundle
    this.pes = pes
    this.operators = expand(pes, Number(stored.parameters['numberOfHttpSenderReceiverPairs'] ?? '1'))
  }

  get health(): Health {
    return summarise(this.pes.map((pe) => pe.health))
  }

  operator(name: string): JobOperator | undefined {
    return this.operators.find((operator) => operator.name === name)
  }

  /** Connections between operators, with indexes into {@link operators}. */
  connections(): {
    readonly from: JobOperator
    readonly fromPort: number
    readonly to: JobOperator
    readonly toPort: number
  }[] {
    return this.bundle.connections.flatMap(({ from, to }) =>
      this.#named(from[0]).flatMap((source) =>
        this.#named(to[0]).map((target) => ({ from: source, fromPort: from[1], to: target, toPort: to[1] })),
      ),
    )
  }

  #named(name: string): JobOperator[] {
    return this.operators.filter((operator) => (operator.logicalName ?? operator.name) === name)
  }
}

/** The health of a whole from the health of its parts (streams-rest-api.md §5.4). */
export function summarise(parts: readonly Health[]): Health {
  if (parts.every((health) => health === 'healthy')) return 'healthy'
  if (parts.every((health) => health === 'unhealthy')) return 'unhealthy'
  return parts.some((health) => health === 'unhealthy' || health === 'partiallyUnhealthy')
    ? 'partiallyUnhealthy'
    : 'partiallyHealthy'
}

function expand(pes: readonly Pe[], pairs: number): JobOperator[] {
  const described = pes.flatMap((pe) =>
    describeOperators(pe.stored.kind, pairs).map((operator) => ({ ...operator, pe })),
  )
  return described.map((operator, indexWithinJob) => {
    const channel = /^(.+)\[(\d+)\]$/.exec(operator.name)
    const parallel = channel?.[1] === undefined ? {} : { logicalName: channel[1], channel: Number(channel[2]) }
    return { ...operator, ...parallel, indexWithinJob }
  })
}
