import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { formatMs, toMs, type Duration } from '../../../lib/core/index.ts'
import { commandLine, type Command } from '../../../lib/hosts/index.ts'

/** A process that lives no longer than this one. */
export interface KeptProcess extends AsyncDisposable {
  /** As this machine counts. */
  readonly pid: number
}

/** Options of {@link keep}. */
export interface KeepOptions {
  /** The process prints this line once it is ready. */
  readonly readyLine: string
  /** How long it may take until then. */
  readonly within: Duration
  /** Run after the end of the process, also if this one is dead by then. */
  readonly afterwards?: Command
}

/** Its input ends when the process that holds the other side closes it, or dies in whatever way. */
const KEEPER = `afterwards=$1; shift
"$@" & pid=$!
echo "pid $pid"
exec >/dev/null 2>&1
while read -r _; do :; done
kill -KILL "$pid"; wait "$pid"
eval "$afterwards"`

/**
 * Starts a process that is killed when this one disposes of it, or dies. It is in a session of its own, so that no terminal's
 * signal reaches it.
 * @throws Error with what it printed, if it ends or the time is over before it is ready
 */
export async function keep(argv: readonly string[], options: KeepOptions): Promise<KeptProcess> {
  const afterwards = options.afterwards ? commandLine(options.afterwards) : ''
  const keeper = spawn('sh', ['-c', KEEPER, 'keeper', afterwards, ...argv], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended = once(keeper, 'exit')
  // A keeper that was killed breaks the pipe; that it is gone shows at the next use of what it kept.
  keeper.stdin.on('error', () => undefined)
  const said: string[] = []
  keeper.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
  const stop = async (): Promise<void> => {
    keeper.stdin.end()
    await ended
  }
  const ready = async (): Promise<number> => {
    let pid: number | undefined
    let isReady = false
    for await (const line of createInterface({ input: keeper.stdout })) {
      const started = /^pid (\d+)$/.exec(line)
      if (started) pid = Number(started[1])
      else if (line === options.readyLine) isReady = true
      else said.push(`${line}\n`)
      if (isReady && pid !== undefined) return pid
    }
    throw new Error('it ended')
  }
  const timer = setTimeout(() => keeper.stdout.destroy(), toMs(options.within))
  try {
    const pid = await ready()
    keeper.stdout.resume()
    return { pid, [Symbol.asyncDispose]: stop }
  } catch (cause) {
    await stop()
    const limit = formatMs(toMs(options.within))
    throw new Error(`${argv.join(' ')} was not ready within ${limit}: ${said.join('').trim()}`, { cause })
  } finally {
    clearTimeout(timer)
  }
}
