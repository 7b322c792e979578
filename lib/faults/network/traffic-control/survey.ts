import { quote } from '../../../hosts/index.ts'
import type { FaultContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { requirePeers, requirePrivilege, type RoutedPeer } from '../host-checks.ts'
import type { HostNetwork } from '../host-network.ts'
import { surveySides, type Sides } from '../sides.ts'
import { waysOf, type Direction, type Way } from './direction.ts'
import type { KernelQueueing, QueueingKind } from './leaf.ts'
import { rootOf } from './qdisc.ts'
import { SHOW_TREES, SURVEY_TC } from './scripts.ts'

/** An interface through which a host sends to the far side. */
export interface Egress {
  readonly interface: string
  readonly mtu: number
  /** Packets; 0 where the kernel gives it a length as soon as anything is added. */
  readonly queueLength: number
  /** Addresses of the far side that are reached through it. */
  readonly peers: readonly string[]
  /** `tc qdisc show`, `tc filter show` and the length of the queue, as they were. */
  readonly before: string
  /** Why no queueing discipline may be added there. */
  readonly refusal?: FaultTargetError
}

/** One host that sends to some peers, and what it has for traffic control. */
export interface Sender {
  readonly network: HostNetwork
  /** Absolute paths of the programs. */
  readonly tc: string
  readonly ip: string
  readonly kernel: KernelQueueing
  readonly egress: readonly Egress[]
}

/** One host that sends from one data centre to the other. */
export interface SendingHost extends Sender {
  readonly way: Way
}

/** What a survey for traffic control found. */
export interface TrafficControlFacts {
  readonly sides: Sides
  readonly senders: readonly SendingHost[]
}

/**
 * Looks at every host that sends in the direction of a fault, and changes nothing.
 * @throws FaultTargetError where a fault would hit us or nobody. What tc cannot do there is said by {@link requireUsable} and by
 * the choice of the leaf: some faults can be had without it
 */
export async function surveyTrafficControl(context: FaultContext, direction: Direction): Promise<TrafficControlFacts> {
  const sides = await surveySides(context, direction.between)
  const senders = await Promise.all(
    waysOf(direction).flatMap((way) => {
      const hosts = sides[way.from]
      if (hosts.length > 0) {
        return hosts.map(async (network) => {
          const through = context.environment.hosts.find(({ name }) => name === network.host)?.networkInterface
          return { way, ...(await surveySender(context, network, requirePeers(network), through)) }
        })
      }
      throw new FaultTargetError(
        `No host of ${way.from} has a shell, so what leaves ${way.from} for ${way.to} cannot be touched.`,
        { remedy: `Give it one, or hit the other direction alone: { from: '${way.to}', to: '${way.from}' }.` },
      )
    }),
  )
  return { sides, senders }
}

/**
 * Looks at one host, and at the interfaces through which it sends to some peers.
 * @param through the only interface that it may reach them through. Default: any
 */
export async function surveySender(
  context: FaultContext,
  network: HostNetwork,
  peers: readonly RoutedPeer[],
  through?: string,
): Promise<Sender> {
  const { host, tools } = network
  requirePrivilege(network)
  if (!tools.tc.works || !tools.ip.works) {
    const said = tools.tc.works ? 'there is no ip' : `tc ${tools.tc.problem}`
    const kernel = { htb: said, u32: said, netem: said, tbf: said, blackhole: said }
    return { network, tc: 'tc', ip: 'ip', kernel, egress: [] }
  }
  const devices = new Map<string, string[]>()
  for (const { address, route } of peers) {
    if (through !== undefined && through !== route.interface) {
      throw new FaultTargetError(
        `${host} reaches ${address} through ${route.interface}, not through its networkInterface ${through}.`,
        { remedy: `Its interfaces: ${network.interfaces.join(', ')}. Correct networkInterface, or leave it away.` },
      )
    }
    devices.set(route.interface, [...(devices.get(route.interface) ?? []), address])
  }
  const [tc, ip] = [tools.tc.path, tools.ip.path]
  const args = [tc, ip, ...devices.keys()]
  const result = await context.shell(host).run({ script: SURVEY_TC, args }, { within: '15s', signal: context.signal })
  return { network, tc, ip, ...readSurvey(host, result.stdout, devices) }
}

/**
 * Reads the rows of {@link SURVEY_TC}.
 * @throws FaultTargetError if they broke off, or there is no such interface
 */
export function readSurvey(
  host: string,
  text: string,
  devices: ReadonlyMap<string, readonly string[]>,
): Pick<Sender, 'kernel' | 'egress'> {
  const rows = rowsOf(text)
  const of = (what: string, name?: string): string[] =>
    rows.filter((row) => row[0] === what && (name === undefined || row[1] === name)).map((row) => row[2] ?? '')
  if (!rows.some(([what]) => what === 'end')) {
    throw new FaultTargetError(
      `The survey of traffic control on ${host} broke off: ${JSON.stringify(text.slice(0, 200))}.`,
    )
  }
  const untried = rows.find(([what]) => what === 'untried')?.[1]
  const has = (kind: QueueingKind): true | string => {
    const said = of('kind', kind)[0] ?? `it could not be tried: ${untried ?? 'no reason'}`
    return said === 'yes' ? true : said
  }
  const kernel = { htb: has('htb'), u32: has('u32'), netem: has('netem'), tbf: has('tbf'), blackhole: has('blackhole') }
  const standard = rows.find(([what]) => what === 'default')?.[1] ?? ''
  const egress = [...devices].map(([device, peers]): Egress => {
    const link = of('interface', device)[0]
    if (link === undefined || !/^[\w.:-]{1,15}$/.test(device)) {
      throw new FaultTargetError(`${host} has no network interface ${JSON.stringify(device)} that tc could name.`)
    }
    const qdiscs = of('qdisc', device).join('\n')
    const refusal = refusalOf({ host, device, qdiscs, standard })
    const number = (key: string): number | undefined => {
      const value = new RegExp(`\\b${key} (\\d+)`).exec(link)?.[1]
      return value === undefined ? undefined : Number(value)
    }
    const queueLength = number('qlen') ?? 0
    const before = shownAs(rows, device) ?? ''
    return {
      interface: device,
      mtu: number('mtu') ?? 1500,
      queueLength,
      peers,
      before,
      ...(refusal ? { refusal } : {}),
    }
  })
  return { kernel, egress }
}

function rowsOf(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((line) => line.split('\t'))
}

/** All that tc shows of an interface, and the length of its queue. */
function shownAs(rows: readonly (readonly string[])[], device: string): string | undefined {
  const link = rows.find(([what, name]) => what === 'interface' && name === device)?.[2]
  if (link === undefined) return undefined
  const lines = rows.flatMap(([what = '', name, text = '']) =>
    (what === 'qdisc' || what === 'filter') && name === device ? [text] : [],
  )
  return [...lines, `qlen ${/\bqlen (\d+)/.exec(link)?.[1] ?? 0}`].join('\n')
}

/** @throws FaultTargetError if an interface has a queueing discipline that would not be there again after ours */
export function requireUsable({ egress }: Sender): void {
  for (const { refusal } of egress) if (refusal) throw refusal
}

/** Why what is at the root of an interface would not be there again after ours; undefined if it would. */
export function refusalOf({
  host,
  device,
  qdiscs,
  standard,
}: {
  readonly host: string
  readonly device: string
  /** `tc qdisc show dev <device>`. */
  readonly qdiscs: string
  /** What the kernel puts on interfaces; empty where it does not tell (as in a container). */
  readonly standard: string
}): FaultTargetError | undefined {
  const root = rootOf(qdiscs)
  if (root.kind === 'ours') {
    return new FaultTargetError(`${device} of ${host} already carries a fault by traffic control: ${root.text}`, {
      remedy:
        'Heal the other fault first; delay and loss at the same time are one fault, highLatencyWithLoss. What no run holds any more, a sweep takes away.',
    })
  }
  if (root.kind === 'foreign') {
    return new FaultTargetError(
      `${device} of ${host} has a queueing discipline that is not the kernel's own, and it could not be put back as it was: ${root.text}`,
      { remedy: `Choose another interface, or take it away yourself first: tc qdisc del dev ${quote(device)} root` },
    )
  }
  const kinds = [...root.text.matchAll(/^qdisc (\S+) 0: /gm)].map(([, kind = '']) => kind)
  const odd = kinds.find((kind) => standard !== '' && ![standard, 'noqueue', 'mq', 'noop'].includes(kind))
  if (odd === undefined) return undefined
  return new FaultTargetError(
    `${device} of ${host} has ${odd} for its queueing discipline, and the kernel would put back ${standard}, its present default.`,
    { remedy: `Set net.core.default_qdisc to ${odd} there, or let the interface have the default.` },
  )
}

/**
 * Measures that the interfaces of a host are as they were, byte for byte.
 * @throws FaultTargetError with what is there instead
 */
export async function requireAsBefore(context: FaultContext, { network, tc, ip, egress }: Sender): Promise<void> {
  const { host } = network
  const args = [tc, ip, ...egress.map((one) => one.interface)]
  const result = await context.shell(host).run({ script: SHOW_TREES, args }, { within: '15s', signal: context.signal })
  const now = rowsOf(result.stdout)
  for (const { interface: device, before } of egress) {
    const found = shownAs(now, device)
    // An interface that is gone took all that was on it.
    if (found === undefined || found === before) continue
    throw new FaultTargetError(`${device} of ${host} is not as it was before the fault: ${found}, and it was ${before}`)
  }
}
