import { spawn, type ChildProcess } from 'node:child_process'
import { appendFileSync, closeSync, openSync } from 'node:fs'
import { asOwn } from '../parse.ts'
import type { FromPe, OperatorMetrics, PeLaunch, ToPe } from '../protocol.ts'
import type { Health, PeReason, PeStatus, StoredPe } from './model.ts'

/** What a PE needs of its site. */
export interface PeContext {
  readonly program: string
  /** Configured seconds in real milliseconds. */
  seconds(count: number): number
  /** Everything the PE is told at this launch. */
  describe(pe: Pe): PeLaunch
  consoleFile: string
  traceFile: string
  /** Whether the PE's host takes PEs now. */
  hostAccepts(): boolean
  launched(pe: Pe, pid: number): void
  exited(pe: Pe, end: { pid: number; code: number | null; signal: NodeJS.Signals | null; expected: boolean }): void
  changed(): void
  sampled(pe: Pe, id: number, operators: readonly OperatorMetrics[]): void
  launchScript(script: string): void
}

/** Configured seconds before a PE that ended by itself is started again. */
const RESTART_DELAY = 0.5
/** How often in a row a PE is started again by itself; counted anew once it was healthy for {@link FORGIVEN_AFTER} seconds. */
const RETRIES = 3
const FORGIVEN_AFTER = 30
/** How long an orderly end may take, in configured seconds, before the PE is killed. */
const STOP_PATIENCE = 2

/** A processing element: a process of its own, started again when it dies. */
export class Pe {
  readonly stored: StoredPe
  status: PeStatus = 'constructed'
  reason: PeReason = 'none'
  connected = false
  pid: number | undefined
  readonly #context: PeContext
  #child: ChildProcess | undefined
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #forgiveness: NodeJS.Timeout | undefined
  #ended: Promise<void> = Promise.resolve()
  #stopping = false
  #retired = false

  constructor(stored: StoredPe, context: PeContext) {
    this.stored = stored
    this.#context = context
  }

  get health(): Health {
    if (this.status === 'stopped' || this.status === 'stopping') return 'unhealthy'
    return this.status === 'running' && this.connected ? 'healthy' : 'partiallyUnhealthy'
  }

  /** Starts the process, by hand or at a boot. */
  start(reason: PeReason): void {
    this.#failures = 0
    this.stored.stopped = false
    this.#launch(reason)
  }

  /** Ends the process in an orderly way, or by force when it does not react. */
  async stop(reason: PeReason): Promise<void> {
    clearTimeout(this.#timer)
    this.#stopping = true
    this.reason = reason
    if (this.#child) {
      this.#set('stopping')
      this.#send({ type: 'stop' })
      const force = setTimeout(() => this.#child?.kill('SIGKILL'), this.#context.seconds(STOP_PATIENCE))
      await this.#ended
      clearTimeout(force)
    }
    this.#stopping = false
    this.#set('stopped')
  }

  /** Ends the process for good: its job is cancelled. */
  async retire(): Promise<void> {
    this.#retired = true
    await this.stop('userRequest')
  }

  /** Asks for metrics; the answer comes by the context. False if there is no process to ask. */
  collect(id: number): boolean {
    return this.status === 'running' && this.#send({ type: 'collect', id })
  }

  /** Takes the PE off its host, which accepts none now: it waits for one that does. */
  async displace(): Promise<void> {
    if (this.status === 'stopped') return
    await this.stop('noViableResource')
    this.#set('restarting')
  }

  #launch(reason: PeReason): void {
    clearTimeout(this.#timer)
    if (this.#retired || this.#child) return
    if (!this.#context.hostAccepts()) {
      this.reason = 'noViableResource'
      this.#set('restarting')
      return
    }
    this.stored.launchCount++
    this.reason = reason
    this.connected = false
    this.#set('starting')
    const log = openSync(this.#context.consoleFile, 'a', 0o600)
    const launch = this.#context.describe(this)
    // It reads no arguments; they tell one PE's process from another's, as those of real ones do.
    const { dc, jobId, peId, kind, dataDirectory } = launch
    const words = [`--dc=${dc}`, `--job=${jobId}`, `--pe=${peId}`, `--kind=${kind}`, `--data=${dataDirectory}`]
    const child = spawn(process.execPath, [this.#context.program, ...words], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, FAILOVER_PE: JSON.stringify(launch) },
    })
    closeSync(log)
    this.#child = child
    this.pid = child.pid
    if (child.pid !== undefined) this.#context.launched(this, child.pid)
    child.on('message', (message) => this.#hear(child, asOwn<FromPe>(message)))
    this.#ended = new Promise((resolve) => {
      child.once('error', () => this.#gone(child, null, null, resolve))
      child.once('exit', (code, signal) => this.#gone(child, code, signal, resolve))
    })
  }

  #hear(child: ChildProcess, said: FromPe): void {
    if (child !== this.#child) return
    switch (said.type) {
      case 'ready':
        this.connected = true
        if (!this.#stopping) this.#set('running')
        this.#forgiveness = setTimeout(() => (this.#failures = 0), this.#context.seconds(FORGIVEN_AFTER))
        break
      case 'connections':
        this.connected = said.connected
        this.#context.changed()
        break
      case 'metrics':
        this.#context.sampled(this, said.id, said.operators)
        break
      case 'trace':
        appendFileSync(this.#context.traceFile, this.#traceLine(said))
        break
      case 'launch':
        this.#context.launchScript(said.script)
        break
    }
  }

  #gone(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null, resolve: () => void): void {
    if (child !== this.#child) return
    clearTimeout(this.#forgiveness)
    const pid = this.pid ?? 0
    this.#child = undefined
    this.pid = undefined
    this.connected = false
    this.#context.exited(this, { pid, code, signal, expected: this.#stopping })
    if (!this.#stopping) this.#restartLater(signal !== null ? 'crash' : code === 0 ? 'voluntary' : 'failure')
    resolve()
  }

  #restartLater(reason: PeReason): void {
    this.reason = reason
    if (reason === 'voluntary' || this.#failures >= RETRIES) {
      this.#set('stopped')
      return
    }
    this.#failures++
    this.#set('restarting')
    this.#timer = setTimeout(() => this.#launch(reason), this.#context.seconds(RESTART_DELAY))
  }

  #send(message: ToPe): boolean {
    if (!this.#child?.connected) return false
    this.#child.send(message, () => undefined)
    return true
  }

  #set(status: PeStatus): void {
    this.status = status
    this.#context.changed()
  }

  #traceLine(said: FromPe & { type: 'trace' }): string {
    const time = new Date().toISOString().replace('T', ' ').replace('Z', '+0000')
    return `${time} [${this.pid ?? 0}] ${said.level.toUpperCase()} #splapptrc,J[${this.#context.describe(this).jobId}],P[${
      this.stored.id
    }] M[${said.aspect}] - ${said.text}\n`
  }
}
