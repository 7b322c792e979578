import { z } from 'zod'
import type { Interval } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { commandLine, type ShellScript } from '../../hosts/index.ts'
import type { FaultPlan, InjectedSteps, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { labVerb, orLabGone } from '../lab-control.ts'
import type { FaultEnvironment, FaultLink } from '../target.ts'

/** How long a link that works may take to answer a probe, and how long one must be silent to count as cut. */
export const PROBE_MS = 400

/** One direction between two parties: connections that `from` opens to `to`, perhaps those to some of its ports alone. */
export interface Path {
  readonly from: FaultLink['from']
  readonly to: DcName
  readonly ports?: readonly FaultLink['port'][]
}

/** Whether faults act on the relays of a lab on this machine, or else in the kernels of the hosts. */
export function usesRelays({ lab, links }: FaultEnvironment): boolean {
  return lab !== undefined && links.length > 0
}

/** The links of a path. Those of the failover toolkit, between the data centres, are not those of the runner. */
export function linksOf(links: readonly FaultLink[], { from, to, ports }: Path): readonly FaultLink[] {
  const found = links.filter(
    (link) => link.from === from && link.to === to && (ports === undefined || ports.includes(link.port)),
  )
  if (found.length > 0) return found
  throw new FaultTargetError(
    `The environment knows no links from ${from} to ${to}${ports ? ` for ${ports.join(', ')}` : ''}.`,
    { remedy: 'Name the ports of the data centres in the environment: between them, and those of their services.' },
  )
}

/** A plan that lays something over all links of some paths at once. */
export function planOnPaths(
  { environment, id }: PlanContext,
  paths: readonly Path[],
  verb: readonly string[],
  effect: string,
): FaultPlan {
  const commands = paths.flatMap(({ from, to, ports }) => {
    const [action = '', ...options] = verb
    const order = ['links', action, '--id', id, '--from', from, '--to', to, ...options]
    return (ports ?? [undefined]).map((port) => labVerb(environment, port ? [...order, '--port', port] : order))
  })
  return {
    steps: [
      {
        host: 'runner',
        do: { command: atOnce(commands) },
        undo: orLabGone(environment, labVerb(environment, ['links', 'heal', '--id', id])),
      },
    ],
    effect,
    outage: [],
  }
}

const applied = z.object({ between: z.tuple([z.number(), z.number()]) })

/**
 * When the links really changed, as a lab tells it (monotonic milliseconds of this machine around the change); undefined where
 * it does not tell.
 */
export function changedBetween({ at, steps }: InjectedSteps): Interval | undefined {
  const printed = steps[0]?.result?.stdout.trim().split('\n') ?? []
  const told = printed.map((line) =>
    line.startsWith('{') ? applied.safeParse(JSON.parse(line)).data?.between : undefined,
  )
  const known = told.filter((between) => between !== undefined)
  if (known.length === 0 || known.length < printed.length) return undefined
  const earliest = Math.min(...known.map(([from]) => from))
  const latest = Math.max(...known.map(([, to]) => to))
  return earliest >= at.earliest && latest <= at.latest ? { earliest, latest } : undefined
}

/** Runs commands side by side; fails if one of them does. */
function atOnce(commands: readonly (readonly string[])[]): ShellScript {
  const starts = commands.map((command, i) => `${commandLine(command)} & p${i}=$!`)
  const waits = commands.map((_, i) => `wait "$p${i}" || failed=1`)
  return { script: ['failed=0', ...starts, ...waits, 'exit "$failed"'].join('\n') }
}
