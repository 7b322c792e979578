import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { processExists } from '../../core/index.ts'

/** Who a lab belongs to: a process of a boot of a machine. Text for a label. */
export function ownerLabel(pid = process.pid): string {
  return [hostname(), bootId(), pid, startTime(pid) ?? ''].join('/')
}

/**
 * Whether the owner of a lab lives. A process of another machine, which shares the daemon with this one, cannot be looked at and
 * counts as alive.
 */
export function ownerLives(label: string): boolean {
  const [host, boot, pid = '', started] = label.split('/')
  if (host !== hostname()) return true
  if (boot !== bootId()) return false
  const now = startTime(Number(pid))
  return now !== undefined && now === started
}

/** What tells this boot of the machine from another; empty where the system has no such thing. */
function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}

/** What tells a process from a later one of the same pid; empty where only its existence can be told, undefined: gone. */
function startTime(pid: number): string | undefined {
  if (process.platform !== 'linux') return processExists(pid) ? '' : undefined
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A zombie has done all it ever will.
  return fields?.[0] === 'Z' ? undefined : fields?.[19]
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
