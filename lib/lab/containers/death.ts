import { readFileSync } from 'node:fs'
import { now, type Interval } from '../../core/index.ts'

/** Set in a process's flags as soon as it begins to exit (`include/linux/sched.h`). */
const PF_EXITING = 0x4
const EVERY_MS = 1

/** A watch on the first process of a container, whose end is that of all others in it. */
export interface DeathWatch {
  /** Between which instants of this machine's clock it ended; undefined if it has not been seen to. Ends the watch. */
  ended(): Interval | undefined
}

/**
 * Watches a process of this machine until it is gone. Of a container's processes none is killed before the first one begins to
 * exit, and that one is gone only after all of them. Undefined where the process is not the container's (another machine's
 * daemon, another pid namespace).
 */
export function watchDeath(pid: number, containerId: string): DeathWatch | undefined {
  const cgroup = read(`/proc/${pid}/cgroup`)
  if (cgroup?.includes(containerId) !== true) return undefined
  let aliveAt = now()
  let goneAt: number | undefined
  const look = (): void => {
    const at = now()
    const stat = read(`/proc/${pid}/stat`)
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') {
      goneAt = now()
      clearInterval(timer)
    } else if ((Number(fields[6]) & PF_EXITING) === 0) aliveAt = at
  }
  const timer = setInterval(look, EVERY_MS)
  return {
    ended() {
      if (goneAt === undefined) look()
      clearInterval(timer)
      return goneAt === undefined ? undefined : { earliest: aliveAt, latest: goneAt }
    },
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
