import type { FaultContext, HostName } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { readCounters, type QdiscCounters } from './qdisc.ts'
import { READ_FIGURES } from './scripts.ts'

/** What the kernel of a host has counted so far. */
export interface HostFigures {
  /** The host's own clock since it booted, in ms, just before the figures were read. */
  readonly uptimeMs: number
  readonly qdiscs: Readonly<Record<string, readonly QdiscCounters[]>>
  /** `Tcp.RetransSegs`, `IpExt.InCsumErrors`, `TcpExt.TCPDSACKOldSent`, `Ip6InHdrErrors`, … */
  readonly protocols: Readonly<Record<string, number>>
}

/** Reads the figures of a host and of some of its interfaces in one call. */
export async function readFigures(
  context: FaultContext,
  host: HostName,
  { tc, interfaces }: { readonly tc: string; readonly interfaces: readonly string[] },
): Promise<HostFigures> {
  const result = await context
    .shell(host)
    .run({ script: READ_FIGURES, args: [tc, ...interfaces] }, { within: '15s', signal: context.signal })
  return parseFigures(host, result.stdout)
}

/**
 * Reads the rows of {@link READ_FIGURES}.
 * @throws FaultTargetError if they broke off
 */
export function parseFigures(host: HostName, text: string): HostFigures {
  const rows = text.split('\n').map((line) => line.split('\t'))
  const uptime = Number(rows.find(([what]) => what === 'uptime')?.[1])
  if (!Number.isFinite(uptime) || !rows.some(([what]) => what === 'end')) {
    throw new FaultTargetError(`The figures of ${host} could not be read: ${JSON.stringify(text.slice(0, 200))}.`)
  }
  const tc = new Map<string, string[]>()
  const files = new Map<string, string[]>()
  for (const [what, name = '', ...line] of rows) {
    const into = what === 'tc' ? tc : what === 'file' ? files : undefined
    into?.set(name, [...(into.get(name) ?? []), line.join('\t')])
  }
  return {
    uptimeMs: uptime * 1000,
    qdiscs: Object.fromEntries([...tc].map(([device, lines]) => [device, readCounters(lines.join('\n'))])),
    protocols: {
      ...pairedLines(files.get('snmp') ?? []),
      ...pairedLines(files.get('netstat') ?? []),
      ...singleLines(files.get('snmp6') ?? []),
    },
  }
}

/** `Tcp: InSegs OutSegs` above `Tcp: 17 23`. */
function pairedLines(lines: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [i, names] of lines.entries()) {
    if (i % 2 === 1) continue
    const [group = '', ...keys] = names.trim().split(/\s+/)
    const [again, ...values] = (lines[i + 1] ?? '').trim().split(/\s+/)
    if (again !== group) continue
    for (const [k, key] of keys.entries()) found[`${group.replace(':', '')}.${key}`] = Number(values[k])
  }
  return found
}

/** `Ip6InHdrErrors   0`. */
function singleLines(lines: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [key, value] = line.trim().split(/\s+/)
      return key !== undefined && value !== undefined ? [[key, Number(value)] as const] : []
    }),
  )
}

/** By how much counters grew, summed; those that a kernel does not have count nothing. */
export function grewBy(before: HostFigures, after: HostFigures, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + (after.protocols[name] ?? 0) - (before.protocols[name] ?? 0), 0)
}

/** By how much the figures of one queueing discipline grew. Undefined where it is not there. */
export function qdiscGrowth(
  before: HostFigures,
  after: HostFigures,
  at: { readonly interface: string; readonly handle: string },
): Omit<QdiscCounters, 'kind' | 'handle' | 'backlogPackets'> | undefined {
  const find = (figures: HostFigures): QdiscCounters | undefined =>
    figures.qdiscs[at.interface]?.find(({ handle }) => handle === at.handle)
  const [from, to] = [find(before), find(after)]
  if (!from || !to) return undefined
  return {
    bytes: to.bytes - from.bytes,
    packets: to.packets - from.packets,
    dropped: to.dropped - from.dropped,
    overlimits: to.overlimits - from.overlimits,
    requeues: to.requeues - from.requeues,
  }
}
