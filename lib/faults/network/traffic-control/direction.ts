import { z } from 'zod'
import type { DcName } from '../../../history/index.ts'
import { nameOf, pairParam, type DcRef } from '../../data-center.ts'
import { FaultTargetError } from '../../errors.ts'
import type { FaultEnvironment, FaultLink } from '../../target.ts'
import { portParam, type PortName } from '../paths.ts'

/** What one data centre sends to the other. */
export interface Way {
  readonly from: DcName
  readonly to: DcName
}

/** Parameters that all faults on the way between data centres have: which way, and which ports. */
export const directionParams = {
  between: pairParam,
  /** What the first sends to the second is hit, and not what comes back. */
  oneWay: z.boolean(),
  ports: z.array(portParam).min(1).optional(),
}

/** See {@link directionParams}. */
export interface Direction {
  readonly between: readonly [DcName, DcName]
  readonly oneWay: boolean
  readonly ports?: readonly PortName[] | undefined
}

/** One direction, as it is asked for: what `from` sends to `to`. */
export interface OneWay {
  readonly from: DcRef
  readonly to: DcRef
}

/** Options that all faults on the way between data centres take. */
export interface DirectionOptions {
  /** Only connections to these ports, in both data centres. Default: everything that goes between them. */
  readonly ports?: readonly PortName[]
}

/**
 * The arguments of a fault's constructor: `(a, b, options)` hits both directions, `({ from, to }, options)` what `from` sends to
 * `to`.
 */
export type BetweenArguments<O> = readonly [a: DcRef, b: DcRef, options: O] | readonly [way: OneWay, options: O]

/** Reads the arguments of a constructor. */
export function readBetween<O extends DirectionOptions>(
  args: BetweenArguments<O>,
): { readonly direction: DirectionParams; readonly options: O } {
  const [between, oneWay, options] =
    args.length === 3
      ? ([[nameOf(args[0]), nameOf(args[1])], false, args[2]] as const)
      : ([[nameOf(args[0].from), nameOf(args[0].to)], true, args[1]] as const)
  const { ports } = options
  return { direction: { between: [...between], oneWay, ...(ports ? { ports: [...ports] } : {}) }, options }
}

/** What {@link directionParams} parse. */
export interface DirectionParams {
  between: [DcName, DcName]
  oneWay: boolean
  ports?: PortName[] | undefined
}

/** The ways that are hit. */
export function waysOf({ between: [a, b], oneWay }: Direction): readonly Way[] {
  return oneWay
    ? [{ from: a, to: b }]
    : [
        { from: a, to: b },
        { from: b, to: a },
      ]
}

/** `east↔west`, `east→west`, with ports where only some are hit. */
export function nameOfDirection({ between: [a, b], oneWay, ports }: Direction): string {
  return `${a}${oneWay ? '→' : '↔'}${b}${ports ? ` (${ports.join(', ')})` : ''}`
}

/** The links from one data centre to the other, those of some ports or all. */
export function linksOnPorts(
  { links }: Pick<FaultEnvironment, 'links'>,
  { from, to }: Way,
  ports: readonly PortName[] | undefined,
): readonly FaultLink[] {
  return links.filter(
    (link) =>
      link.from === from &&
      link.to === to &&
      (ports === undefined || ports.some((port) => port === link.port || port === link.listenPort)),
  )
}

/**
 * The port numbers of connections that one data centre opens to the other; undefined stands for all.
 * @throws FaultTargetError naming a role that has no link
 */
export function portNumbers(
  environment: Pick<FaultEnvironment, 'links' | 'name'>,
  path: Way,
  ports: readonly PortName[] | undefined,
): readonly number[] | undefined {
  if (!ports) return undefined
  const numbers = ports.flatMap((port) => {
    if (typeof port === 'number') return [port]
    const found = linksOnPorts(environment, path, [port]).map(({ listenPort }) => listenPort)
    if (found.length > 0) return found
    throw new FaultTargetError(
      `The environment ${environment.name} knows no ${port} port from ${path.from} to ${path.to}.`,
      {
        remedy: 'Name the port by its number, or give the environment a link for it.',
      },
    )
  })
  return [...new Set(numbers)]
}
