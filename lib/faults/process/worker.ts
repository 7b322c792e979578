import { basename } from 'node:path/posix'
import { toMs, type Duration } from '../../core/index.ts'
import type { Command } from '../../hosts/index.ts'
import type { FaultContext, FaultStep, HostName, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { leasePath } from '../lease-path.ts'
import type { LeftoverScan } from '../leftovers.ts'
import { END_SCRIPT, GO_FILE, MARKED, START_SCRIPT, WORKER, WORKER_VARIABLE, WORKERS_SCRIPT } from './worker-script.ts'

/** What keeps a fault up on a host. */
export interface WorkerOrder {
  /** POSIX sh; begins where the common beginning of all workers ends, see worker-script.ts. */
  readonly program: string
  readonly args: readonly string[]
  /** Default 1. */
  readonly count?: number
  /** 0 to 19. Default 0. */
  readonly nice?: number
  /** How long a worker lives at most, whatever becomes of its lease. Default 1 h. */
  readonly limit?: Duration
  /** How long it may take until all say that they are at work. Default 10 s. */
  readonly within?: Duration
  /** Where its files without a name lie. */
  readonly directory?: string
}

/** Backstop for a worker whose lease cannot tell it any more that it is over. */
const LIMIT: Duration = '1h'

/**
 * A step that starts workers on a host: processes in sessions of their own, which live under the fault's lease there and end with
 * it, whether it is undone, gone, or not renewed. After a reboot there are none.
 */
export function workerStep(context: PlanContext, host: HostName, order: WorkerOrder): FaultStep {
  const { program, args, count = 1, nice = 0, limit = LIMIT, within = '10s' } = order
  const lease = leasePath(context.environment, context.id, host)
  const settings = ['w', String(count), String(nice), String(Math.ceil(toMs(within) / 100))]
  const command: Command = {
    script: START_SCRIPT,
    args: [`${WORKER}${program}`, lease, ...settings, String(Math.ceil(toMs(limit) / 1000)), ...args],
  }
  return {
    host,
    do: { command },
    undo: { script: END_SCRIPT, args: [order.directory ?? ''] },
    undoFiles: [{ name: GO_FILE, content: '' }],
  }
}

/** A worker as it is now. */
export interface Worker {
  readonly name: string
  readonly pid: string
  readonly alive: boolean
  /** CPU time in hundredths of a second. */
  readonly cpu: number
  /** What it said when it failed. */
  readonly log: string
  /** What it wrote for us. */
  readonly told: string
}

interface WorkersSeen {
  readonly workers: readonly Worker[]
  /** Pids of all processes that are a worker's or were started by one. */
  readonly processes: readonly string[]
}

async function workersOf(context: FaultContext, host: HostName): Promise<WorkersSeen> {
  const args = [leasePath(context.environment, context.id, host)]
  const said = await context
    .shell(host)
    .run({ script: WORKERS_SCRIPT, args }, { within: '30s', signal: context.signal })
  const lines = said.stdout.split('\n').map((line) => line.split('\t'))
  const textOf = (kind: string, of: string): string =>
    lines.find(([found, name]) => found === kind && name === of)?.[2]?.trim() ?? ''
  const processes = lines.flatMap(([kind, pid]) => (kind === 'process' && pid !== undefined ? [pid] : []))
  const workers = lines.flatMap(([kind, name = '', pid = '', life, cpu]) =>
    kind === 'worker'
      ? [
          {
            name,
            pid,
            alive: life === 'alive',
            cpu: Number(cpu),
            log: textOf('log', name),
            told: textOf('told', name),
          },
        ]
      : [],
  )
  return { workers, processes }
}

/**
 * The workers of a fault, all of which must live.
 * @throws FaultTargetError that says which is gone, and what it said
 */
export async function livingWorkers(context: FaultContext, host: HostName, count: number): Promise<readonly Worker[]> {
  const { workers } = await workersOf(context, host)
  const gone = workers.filter(({ alive }) => !alive)
  if (gone.length === 0 && workers.length >= count) return workers
  const which = gone.map(({ name, pid, log }) => `${name} (process ${pid})${log === '' ? '' : `: ${log}`}`).join('; ')
  throw new FaultTargetError(
    `Of ${count} workers on ${host} ${workers.length - gone.length} are alive. Gone: ${which || 'all, with their lease'}.`,
    { remedy: 'Somebody or something else has ended them: look at the log of the kernel for the OOM killer.' },
  )
}

/** @throws FaultTargetError if a worker of a fault, or a process that one has started, is still there */
export async function noWorkers(context: FaultContext, host: HostName): Promise<void> {
  const { processes } = await workersOf(context, host)
  if (processes.length === 0) return
  throw new FaultTargetError(`Processes of this fault still run on ${host}: ${processes.join(', ')}.`)
}

/** What every process of a fault's workers on a host has in its environment. */
export function markOfWorkers({ environment, id }: PlanContext, host: HostName): string {
  return `${WORKER_VARIABLE}=${basename(leasePath(environment, id, host))};`
}

/** Finds workers whose lease is gone. */
export const workerLeftovers: LeftoverScan = {
  name: 'workers of faults',
  script: String.raw`${MARKED}
for pid in $(marked '${WORKER_VARIABLE}='); do
  name=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^${WORKER_VARIABLE}=\(.*\);$/\1/p') stat=$(cat "/proc/$pid/stat") || continue
  set -- \${stat##*) }
  case $name.$1 in *.Z | *.X | .*) continue ;; esac
  printf '%s\tprocess %s of the fault %s\t' "\${name%%.*}" "$pid" "$name"
  printf 'stat=$(cat /proc/%s/stat 2>/dev/null) || exit 0; set -- \${stat##*) }; [ "\${20}" != %s ] || kill -9 %s\n' "$pid" "\${20}" "$pid"
done 2>/dev/null`.replaceAll('\\$', '$'),
}
