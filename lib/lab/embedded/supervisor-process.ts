import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FailoverError, withDeadline } from '../../core/index.ts'
import { onLines } from './json-lines.ts'
import { parseOwn } from './parse.ts'
import type { SupervisorReady, SupervisorSays } from './plan.ts'

const START_WITHIN = '30s'
const END_WITHIN = '10s'
const LOG_TAIL = 2000

/** A started supervisor. It ends, and the lab with it, when this process ends or lets go of it. */
export interface SupervisorProcess {
  readonly pid: number
  /** Resolves when both sites answer. */
  up(signal: AbortSignal | undefined): Promise<SupervisorReady>
  end(): Promise<void>
}

/** Starts the supervisor of the lab in a directory. */
export function startSupervisor(program: string, directory: string): SupervisorProcess {
  const logFile = join(directory, 'logs', 'supervisor.log')
  const log = openSync(logFile, 'a', 0o600)
  // A process group of its own: an interrupt at the terminal is the runner's business, which heals first and then ends the lab.
  const child = spawn(process.execPath, [program, directory], { detached: true, stdio: ['pipe', 'pipe', log] })
  closeSync(log)
  child.stdin?.on('error', () => undefined)
  const said = firstLine(child)
  said.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    up: async (signal) => {
      const describe = 'the embedded lab to start'
      const answer = await withDeadline(() => said, { within: START_WITHIN, describe, signal })
      if ('ready' in answer) return answer.ready
      throw new FailoverError('FAILOVER_LAB', `The embedded lab could not start: ${answer.error}\n${tail(logFile)}`)
    },
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      child.stdin?.end()
      await withDeadline(() => ended, { within: END_WITHIN, describe: 'the embedded lab to end' }).catch(() => {
        child.kill('SIGKILL')
      })
    },
  }
}

function firstLine(child: ChildProcess): Promise<SupervisorSays> {
  return new Promise((resolve) => {
    if (child.stdout) onLines(child.stdout, (line) => resolve(parseOwn<SupervisorSays>(line)))
    child.once('error', (error) => resolve({ error: error.message }))
    child.once('exit', (code, signal) => resolve({ error: `its supervisor ended (${signal ?? code})` }))
  })
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-LOG_TAIL)
  } catch {
    return ''
  }
}
