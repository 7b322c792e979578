import { formatMs } from '../../../core/index.ts'
import { commandLine, type ShellScript } from '../../../hosts/index.ts'
import type { FaultPlan, PlanContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { labVerb, orLabGone } from '../../lab-control.ts'
import type { FaultLink } from '../../target.ts'
import { linksOnPorts, waysOf, type Direction, type Way } from './direction.ts'
import { inWords, partsOf, type Impairment } from './impairment.ts'

/**
 * Lays an impairment on the relays of the embedded lab: what `from` sends to `to` goes forward on the connections that `from`
 * opens, and backward on those that `to` opens.
 * @throws FaultTargetError for what only packets can have: a relay sees bytes
 */
export function planOnLinks(context: PlanContext, direction: Direction, impairment: Impairment): FaultPlan {
  const { environment, id } = context
  return {
    steps: [
      {
        host: 'runner',
        do: { command: sideBySide(ordersOnLinks(context, direction, impairment)) },
        undo: orLabGone(environment, labVerb(environment, ['links', 'heal', '--id', id])),
      },
    ],
    effect: `The way ${direction.oneWay ? direction.between.join(' → ') : direction.between.join(' ↔ ')} ${inWords(impairment)} (by the relays of the lab${
      impairment.delay
        ? `: a round trip takes ${formatMs((direction.oneWay ? 1 : 2) * impairment.delay.delayMs)} longer`
        : ''
    }).`,
    outage: [],
  }
}

/** The commands of the lab that lay an impairment on its relays. */
export function ordersOnLinks(
  { environment, id }: PlanContext,
  direction: Direction,
  impairment: Impairment,
): readonly (readonly string[])[] {
  const words = verbOf(impairment)
  const order = (from: string, to: string, role: FaultLink['port'] | undefined, way: string): readonly string[] => {
    const [action = '', ...options] = words
    const port = role ? ['--port', role] : []
    return labVerb(environment, [
      'links',
      action,
      '--id',
      id,
      '--from',
      from,
      '--to',
      to,
      ...options,
      ...port,
      '--direction',
      way,
    ])
  }
  const ways = waysOf({ ...direction, oneWay: false })
  return ways.flatMap((way) => {
    const side = direction.oneWay ? (way.from === direction.between[0] ? 'forward' : 'backward') : 'both'
    return rolesOf(environment, way, direction.ports).map((role) => order(way.from, way.to, role, side))
  })
}

/** What the ports of a fault are for; undefined stands for all. */
function rolesOf(
  environment: PlanContext['environment'],
  way: Way,
  ports: Direction['ports'],
): readonly (FaultLink['port'] | undefined)[] {
  if (!ports) return [undefined]
  return [...new Set(linksOnPorts(environment, way, ports).map(({ port }) => port))]
}

function verbOf(impairment: Impairment): readonly string[] {
  const { delay, rateBitsPerSecond, isDown } = impairment
  const beyond = partsOf(impairment).filter((part) => !['delay', 'rate', 'silence'].includes(part))
  if (beyond.length > 0) {
    throw new FaultTargetError(
      `The relays of the embedded lab carry bytes, not packets: ${beyond.join(', ')} cannot be had.`,
      {
        remedy: 'Run it on an environment whose hosts have a kernel to break: containers or live.',
      },
    )
  }
  if (isDown === true) return ['cut', '--mode', 'blackhole']
  return [
    'shape',
    ...(delay ? ['--delay', String(delay.delayMs)] : []),
    ...(delay && delay.jitterMs > 0 ? ['--jitter', String(delay.jitterMs)] : []),
    ...(rateBitsPerSecond === undefined ? [] : ['--rate', String(rateBitsPerSecond / 8)]),
  ]
}

/** Runs commands side by side; fails if one of them does. */
export function sideBySide(commands: readonly (readonly string[])[]): ShellScript {
  const starts = commands.map((command, i) => `${commandLine(command)} & p${i}=$!`)
  const waits = commands.map((_, i) => `wait "$p${i}" || failed=1`)
  return { script: ['failed=0', ...starts, ...waits, 'exit "$failed"'].join('\n') }
}
