import { createServer, type Socket } from 'node:net'
import { now, processExists, type Interval } from '../../../core/index.ts'
import { onLines } from '../json-lines.ts'
import { parseOwn } from '../parse.ts'
import type { DcName } from '../protocol.ts'

/** One process of the lab. */
export interface LabProcess {
  readonly pid: number
  readonly role: 'pe' | 'site'
  readonly dc: DcName
  readonly id: string
}

const SWEEP_MS = 20

/**
 * Knows every process of the lab by the connection that each keeps to the life socket, and kills them. A process whose data
 * centre has no power is killed as soon as it says hello.
 */
export class Processes {
  readonly #known = new Map<number, LabProcess>()
  readonly #sockets = new Map<number, Socket>()
  readonly #off = new Set<DcName>()
  readonly #server = createServer((socket) => this.#welcome(socket))
  readonly #waiting = new Set<() => void>()

  /** Listens on the life socket. */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(path, resolve)
    })
  }

  list(): readonly LabProcess[] {
    return [...this.#known.values()]
  }

  /** Takes note of a process; one whose data centre has no power is killed instead. */
  add(process: LabProcess): void {
    if (this.#off.has(process.dc)) signal(process.pid)
    else this.#known.set(process.pid, process)
  }

  remove(pid: number): void {
    this.#known.delete(pid)
    this.#sockets.delete(pid)
    for (const check of this.#waiting) check()
  }

  powered(dc: DcName, on: boolean): void {
    if (on) this.#off.delete(dc)
    else this.#off.add(dc)
  }

  /**
   * SIGKILLs all processes of a data centre at once: its process group by one call, then each by itself, for systems without
   * groups. The answer's interval lies around the calls.
   */
  kill(dc: DcName): Interval {
    const doomed = this.list().filter((process) => process.dc === dc)
    const sites = doomed.filter((process) => process.role === 'site')
    const earliest = now()
    for (const site of sites) signal(-site.pid)
    for (const { pid } of doomed) signal(pid)
    return { earliest, latest: now() }
  }

  /** Resolves when no process of the data centre is left, or after the deadline. */
  async gone(dc: DcName, withinMs: number): Promise<void> {
    const none = (): boolean => !this.list().some((process) => process.dc === dc)
    if (none()) return
    // Of a process that died before it said hello nobody brings the news.
    const sweep = setInterval(() => {
      for (const { pid } of this.list()) if (!processExists(pid)) this.remove(pid)
    }, SWEEP_MS)
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        clearTimeout(timer)
        clearInterval(sweep)
        this.#waiting.delete(check)
        resolve()
      }
      const check = (): void => {
        if (none()) settle()
      }
      const timer = setTimeout(settle, withinMs)
      this.#waiting.add(check)
    })
  }

  #welcome(socket: Socket): void {
    let pid: number | undefined
    socket.on('error', () => socket.destroy())
    onLines(socket, (line) => {
      const hello = parseOwn<LabProcess>(line)
      pid = hello.pid
      this.add(hello)
      this.#sockets.set(hello.pid, socket)
    })
    socket.on('close', () => {
      if (pid !== undefined && this.#sockets.get(pid) === socket) this.remove(pid)
    })
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Already gone, or, for a negative number, a system without process groups.
  }
}
