import { fork, type ChildProcess } from 'node:child_process'
import { openSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { withDeadline, type Interval } from '../../../core/index.ts'
import { asOwn } from '../parse.ts'
import type { FromSite, SiteBoot, ToSite } from '../plan.ts'
import type { DcName } from '../protocol.ts'
import type { WrongAnswer } from '../rest/wrong.ts'
import type { Truth } from '../truth.ts'
import type { Processes } from './processes.ts'

const BOOT_WITHIN = '20s'
const GONE_WITHIN_MS = 2000
const TOLD_WITHIN = '5s'

/** The site process of one data centre, and its power switch. */
export class SitePower {
  readonly dc: DcName
  /** Where the site's servers listen now; undefined while they do not. */
  readonly ports: { management: number | undefined; data: number | undefined } = {
    management: undefined,
    data: undefined,
  }
  readonly #processes: Processes
  readonly #truth: Truth
  readonly #program: string
  readonly #logDirectory: string
  readonly #boot: Promise<SiteBoot>
  readonly #onLost: () => void
  #wrong: WrongAnswer | undefined
  #told: (() => void) | undefined
  #child: ChildProcess | undefined
  #up: Promise<void> | undefined
  #lastOff: Interval | undefined
  #order: Promise<unknown> = Promise.resolve()

  /** @param boot what the site is told; a promise, because a site may start while its certificate is still being made */
  constructor(options: {
    dc: DcName
    processes: Processes
    truth: Truth
    program: string
    logDirectory: string
    boot: Promise<SiteBoot>
    /** Told when the site has died by itself. */
    onLost?: () => void
  }) {
    this.dc = options.dc
    this.#processes = options.processes
    this.#truth = options.truth
    this.#program = options.program
    this.#logDirectory = options.logDirectory
    this.#boot = options.boot
    this.#onLost = options.onLost ?? (() => undefined)
  }

  get status(): 'on' | 'off' {
    return this.#child ? 'on' : 'off'
  }

  /** Boots the site unless it has power; resolves when its management API answers. */
  on(): Promise<void> {
    return this.#inOrder(async () => {
      this.#up ??= this.#start()
      await this.#up
    })
  }

  /** Kills the site and its PEs at once. The interval lies around the system calls; that of the last time, if it was off. */
  off(): Promise<Interval | undefined> {
    return this.#inOrder(async () => {
      if (!this.#child) return this.#lastOff
      this.#processes.powered(this.dc, false)
      const between = this.#processes.kill(this.dc)
      this.#lastOff = between
      this.#forget()
      this.#truth.write('power-off', { dc: this.dc, between: [between.earliest, between.latest] })
      await this.#processes.gone(this.dc, GONE_WITHIN_MS)
      return between
    })
  }

  /** What the site's management API answers instead of the right thing, now and after its next boots. */
  answers(wrong: WrongAnswer | undefined): Promise<void> {
    return this.#inOrder(async () => {
      this.#wrong = wrong
      const child = this.#child
      if (!child) return
      await this.#up
      const order: ToSite = { type: 'answers', wrong: wrong ?? null }
      await withDeadline(
        () =>
          new Promise<void>((resolve) => {
            this.#told = resolve
            child.once('exit', resolve)
            child.send(order, () => undefined)
          }),
        { within: TOLD_WITHIN, describe: `the site ${this.dc} to change its answers` },
      )
    })
  }

  async #start(): Promise<void> {
    this.#processes.powered(this.dc, true)
    this.#truth.write('power-on', { dc: this.dc })
    const log = openSync(join(this.#logDirectory, `site-${this.dc}.log`), 'a', 0o600)
    // Its own process group: one kill(2) then ends the data centre as one.
    const child = fork(this.#program, [], { detached: true, stdio: ['ignore', log, log, 'ipc'], execArgv: [] })
    closeSync(log)
    this.#child = child
    const { pid } = child
    if (pid !== undefined) this.#processes.add({ pid, role: 'site', dc: this.dc, id: this.dc })
    const up = new Promise<void>((resolve, reject) => {
      child.on('message', (message) => {
        const said = asOwn<FromSite>(message)
        if (said.type === 'up') resolve()
        else if (said.type === 'answers') this.#told?.()
        else if (said.type === 'ports') {
          if (said.management !== undefined) this.ports.management = said.management ?? undefined
          if (said.data !== undefined) this.ports.data = said.data ?? undefined
        } else if (said.type === 'exited') this.#processes.remove(said.pid)
        else this.#processes.add({ pid: said.pid, role: 'pe', dc: this.dc, id: said.peId })
      })
      child.once('exit', (code, signal) => {
        if (pid !== undefined) this.#processes.remove(pid)
        reject(new Error(`The site ${this.dc} ended while booting (${signal ?? code}): see its log.`))
        if (this.#child === child) this.#lost()
      })
      child.once('error', reject)
    })
    up.catch(() => undefined)
    const boot: SiteBoot = { ...(await this.#boot), ...(this.#wrong === undefined ? {} : { wrong: this.#wrong }) }
    child.send(boot)
    await withDeadline(() => up, { within: BOOT_WITHIN, describe: `the site ${this.dc} to boot` })
  }

  /** The site died by itself: its PEs go with it, since nobody could tend them. */
  #lost(): void {
    this.#processes.kill(this.dc)
    this.#forget()
    this.#onLost()
  }

  #forget(): void {
    this.#child = undefined
    this.#up = undefined
    this.ports.management = undefined
    this.ports.data = undefined
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#order.then(work, work)
    this.#order = result.catch(() => undefined)
    return result
  }
}
