/** Figures that `tc -s qdisc show` tells of a queueing discipline. */
export interface QdiscCounters {
  readonly kind: string
  /** Without the colon. */
  readonly handle: string
  readonly bytes: number
  /** What was sent on: a packet that was handed down in one piece and cut later counts as all its pieces. */
  readonly packets: number
  readonly dropped: number
  readonly overlimits: number
  /** netem counts packets here that it let overtake others. */
  readonly requeues: number
  readonly backlogPackets: number
}

const HEAD = /^qdisc (\S+) ([0-9a-f]*):/
const SENT = /^\s*Sent (\d+) bytes (\d+) pkts? \(dropped (\d+), overlimits (\d+) requeues (\d+)\)/
const BACKLOG = /\bbacklog \S+ (\d+)p\b/

/** Reads the text of `tc -s qdisc show`, of old and new tc. Disciplines without figures are left out. */
export function readCounters(text: string): readonly QdiscCounters[] {
  const found: QdiscCounters[] = []
  let head: { readonly kind: string; readonly handle: string } | undefined
  for (const line of text.split('\n')) {
    const [, kind, handle] = HEAD.exec(line) ?? []
    if (kind !== undefined && handle !== undefined) {
      head = { kind, handle }
      continue
    }
    const sent = SENT.exec(line)
    if (sent && head) {
      const [bytes = 0, packets = 0, dropped = 0, overlimits = 0, requeues = 0] = sent.slice(1).map(Number)
      found.push({ ...head, bytes, packets, dropped, overlimits, requeues, backlogPackets: 0 })
      head = undefined
      continue
    }
    const backlog = BACKLOG.exec(line)?.[1]
    const last = found.at(-1)
    if (backlog !== undefined && last) found.splice(-1, 1, { ...last, backlogPackets: Number(backlog) })
  }
  return found
}

/** What is at the root of an interface, as far as a fault must know. */
export type RootQdisc =
  | { readonly kind: 'default'; readonly text: string }
  | { readonly kind: 'ours'; readonly text: string; readonly handle: string }
  | { readonly kind: 'foreign'; readonly text: string }

/**
 * Reads `tc qdisc show dev <interface>`. What the kernel put there by itself has the handle 0; anything else at the root, or as a
 * child of the kernel's own `mq`, was put there by somebody and would be lost with it.
 */
export function rootOf(text: string): RootQdisc {
  const lines = text.split('\n').filter((line) => line.startsWith('qdisc '))
  const given = lines.filter((line) => {
    const [, , handle = ''] = line.split(' ')
    return handle !== '0:' && !/ (ingress|clsact)\b| parent ffff:/.test(line)
  })
  const [first] = given
  if (first === undefined) return { kind: 'default', text: lines.join('\n') }
  const root = given.find((line) => / root\b/.test(line)) ?? first
  const ours = /^qdisc htb (fa[0-9a-f]{2}): .*\broot\b/.exec(root)?.[1]
  return ours === undefined ? { kind: 'foreign', text: given.join('\n') } : { kind: 'ours', text: root, handle: ours }
}
