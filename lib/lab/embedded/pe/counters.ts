import type { OperatorDescription, OperatorMetrics, PeMetric } from '../protocol.ts'

/** Counters of an input port. `queueSize` is 0 where the port has no queue of its own. */
export interface InputCounters {
  processed: number
  dropped: number
  queued: number
  maxQueued: number
  readonly queueSize: number
}

/** Counters of an output port. */
export interface OutputCounters {
  submitted: number
}

interface OperatorCounters {
  readonly name: string
  readonly inputs: readonly InputCounters[]
  readonly outputs: readonly OutputCounters[]
  readonly custom: Map<string, () => number>
  /** The values of the last collection. */
  collected: readonly number[]
}

/** The counters of all operators of a PE. They live in the process, so a relaunch sets them to 0. */
export class Counters {
  readonly #operators = new Map<string, OperatorCounters>()

  /** @param queueSizes capacity of threaded input ports, by `<operator>/<port>` */
  constructor(descriptions: readonly OperatorDescription[], queueSizes: Readonly<Record<string, number>> = {}) {
    for (const { name, inputPorts, outputPorts } of descriptions) {
      this.#operators.set(name, {
        name,
        inputs: inputPorts.map((_, port) => ({
          processed: 0,
          dropped: 0,
          queued: 0,
          maxQueued: 0,
          queueSize: queueSizes[`${name}/${port}`] ?? 0,
        })),
        outputs: outputPorts.map(() => ({ submitted: 0 })),
        custom: new Map(),
        collected: [],
      })
    }
  }

  input(operator: string, port: number): InputCounters {
    return found(this.#operator(operator).inputs[port], `input port ${port} of ${operator}`)
  }

  output(operator: string, port: number): OutputCounters {
    return found(this.#operator(operator).outputs[port], `output port ${port} of ${operator}`)
  }

  /** Adds a custom metric of kind gauge, read when metrics are collected. */
  gauge(operator: string, name: string, read: () => number): void {
    this.#operator(operator).custom.set(name, read)
  }

  /**
   * The metrics, under their documented names, of the operators that changed since the last collection; of all at the first.
   * Most operators rest most of the time, and a site collects often.
   */
  collect(): OperatorMetrics[] {
    const changed: OperatorMetrics[] = []
    for (const operator of this.#operators.values()) {
      const values = valuesOf(operator)
      const last = operator.collected
      if (values.length === last.length && values.every((value, i) => value === last[i])) continue
      operator.collected = values
      changed.push(metricsOf(operator))
    }
    return changed
  }

  #operator(name: string): OperatorCounters {
    return found(this.#operators.get(name), `operator ${name}`)
  }
}

/** Puts answers of {@link Counters.collect} together again: what one process has said of its operators so far. */
export class OperatorMemory {
  readonly #operators = new Map<string, OperatorMetrics>()

  /** Takes the next answer in; returns all operators as they are now. */
  update(changed: readonly OperatorMetrics[]): readonly OperatorMetrics[] {
    for (const operator of changed) this.#operators.set(operator.name, operator)
    return [...this.#operators.values()]
  }
}

function valuesOf({ inputs, outputs, custom }: OperatorCounters): number[] {
  const values = [1]
  for (const { processed, dropped, queued, maxQueued } of inputs) values.push(processed, dropped, queued, maxQueued)
  for (const { submitted } of outputs) values.push(submitted)
  for (const read of custom.values()) values.push(read())
  return values
}

function metricsOf({ name, inputs, outputs, custom }: OperatorCounters): OperatorMetrics {
  return {
    name,
    metrics: [gauge('relativeOperatorCost', 0), ...[...custom].map(([metric, read]) => customGauge(metric, read()))],
    inputPorts: inputs.map((port, index) => ({ index, metrics: inputMetrics(port) })),
    outputPorts: outputs.map((port, index) => ({ index, metrics: outputMetrics(port) })),
  }
}

function inputMetrics({ processed, dropped, queued, maxQueued, queueSize }: InputCounters): PeMetric[] {
  return [
    counter('nTuplesProcessed', processed),
    counter('nTuplesDropped', dropped),
    gauge('nTuplesQueued', queued),
    gauge('maxItemsQueued', maxQueued),
    gauge('recentMaxItemsQueued', maxQueued),
    gauge('queueSize', queueSize),
    counter('nWindowPunctsProcessed', 0),
    counter('nFinalPunctsProcessed', 0),
  ]
}

function outputMetrics({ submitted }: OutputCounters): PeMetric[] {
  return [
    counter('nTuplesSubmitted', submitted),
    counter('nWindowPunctsSubmitted', 0),
    counter('nFinalPunctsSubmitted', 0),
  ]
}

function counter(name: string, value: number): PeMetric {
  return { name, kind: 'counter', type: 'system', value }
}

function gauge(name: string, value: number): PeMetric {
  return { name, kind: 'gauge', type: 'system', value }
}

function customGauge(name: string, value: number): PeMetric {
  return { name, kind: 'gauge', type: 'custom', value }
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`There is no ${what} in this processing element.`)
  return value
}
