import { existsSync, readFileSync } from 'node:fs'
import { messageOf, processExists } from '../../core/index.ts'

/**
 * Whether a process runs, and is not only one that has ended and that nobody has waited for (a zombie, which Linux alone tells).
 * A negative number is a process group, of which zombies count.
 */
export function processLives(pid: number): boolean {
  if (!processExists(pid)) return false
  if (pid < 0 || !existsSync('/proc/self/stat')) return true
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !stat.slice(stat.lastIndexOf(')') + 1).startsWith(' Z')
  } catch (error) {
    // It has ended since.
    if (/ENOENT|ESRCH/.test(messageOf(error))) return false
    throw error
  }
}
