import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { eventually, toMs, type Duration } from '../../lib/core/index.ts'
import { reportSchema, type Report } from '../../lib/report/index.ts'

const REPOSITORY = resolve(import.meta.dirname, '../..')

/** A signal to send once a file of the run's directory is there. */
export interface SignalAfter {
  /** Path relative to the directory of the inline run, e.g. `fault-on`. */
  readonly file: string
  readonly signal: NodeJS.Signals
  /** `runner`: Vitest itself. `group`: as Ctrl-C does. `worker`: the pid that the file holds. */
  readonly to: 'runner' | 'group' | 'worker'
}

/** Options of {@link runInline}. */
export interface InlineOptions {
  /** Arguments after `vitest run`. */
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Sent one after another, each when its file is there. */
  readonly signalAfter?: readonly SignalAfter[]
  readonly within?: Duration
  /** Told all output so far, as it comes. */
  readonly onOutput?: (output: string) => void
  /** False leaves what is left of the run's processes alone, for tests of their end. */
  readonly killAfterwards?: boolean
  /** What the fake environment is said to be. Default `containers`, which starts nothing. */
  readonly target?: string
  /** Whether nobody chose that target. Default false. */
  readonly byDefault?: boolean
}

/** How an inline run ended. */
export interface InlineResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** Both streams as they came. */
  readonly output: string
  readonly report: Report | undefined
  /** Text of report.json. */
  readonly reportText: string | undefined
  /** Directory of the run; it is removed by {@link InlineResult.remove} or at the end of the process. */
  readonly directory: string
  /** Text of a file below the directory, if it is there. */
  read(file: string): string | undefined
  [Symbol.dispose](): void
}

/** Runs Vitest, as a user would, on specs given as texts, in a directory of their own inside this repository. */
export async function runInline(
  files: Readonly<Record<string, string>>,
  options: InlineOptions = {},
): Promise<InlineResult> {
  const directory = inlineDirectory()
  const all = { 'vitest.config.ts': configOf(options.target ?? 'containers', options.byDefault ?? false), ...files }
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  const child = spawn(
    process.execPath,
    [join(REPOSITORY, 'node_modules/vitest/vitest.mjs'), 'run', ...(options.args ?? [])],
    { cwd: directory, env: cleanEnvironment(options.env), stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  )
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      chunks.push(chunk)
      options.onOutput?.(output())
    })
  const output = (): string => chunks.join('')
  const ended = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.once(options.killAfterwards === false ? 'exit' : 'close', (exitCode, signal) => done({ exitCode, signal }))
  })
  const within = options.within ?? '40s'
  const watchdog = setTimeout(() => killGroup(child), toMs(within))
  try {
    for (const step of options.signalAfter ?? []) await send(step, child, directory, output)
    const { exitCode, signal } = await ended
    const latest = join(directory, '.failover/latest/report.json')
    const reportText = existsSync(latest) ? readFileSync(latest, 'utf8') : undefined
    return {
      exitCode,
      signal,
      output: output(),
      report: reportText === undefined ? undefined : reportSchema.parse(JSON.parse(reportText)),
      reportText,
      directory,
      read: (file) => (existsSync(join(directory, file)) ? readFileSync(join(directory, file), 'utf8') : undefined),
      [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
    }
  } finally {
    clearTimeout(watchdog)
    if (options.killAfterwards !== false) killGroup(child)
  }
}

function inlineDirectory(): string {
  const base = join(REPOSITORY, '.failover/self')
  mkdirSync(base, { recursive: true })
  return mkdtempSync(join(base, 'run-'))
}

async function send(step: SignalAfter, child: ChildProcess, directory: string, output: () => string): Promise<void> {
  const file = join(directory, step.file)
  await eventually(
    () => Promise.resolve(existsSync(file) ? { done: true, value: true } : { done: false, seen: output().slice(-500) }),
    { within: '30s', every: '20ms', describe: `${step.file} to be written by the inline run` },
  )
  if (child.pid === undefined) throw new Error('the inline run has no process')
  const target = { runner: child.pid, group: -child.pid, worker: Number(readFileSync(file, 'utf8')) }[step.to]
  process.kill(target, step.signal)
}

/** The run has its own process group; what is left of it after its end is a failure that must not outlive the test. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody is left.
  }
}

/** Without what Vitest tells its workers: the inline run is nobody's worker. */
function cleanEnvironment(extra: NodeJS.ProcessEnv | undefined): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|FAILOVER_|TEST$|NODE_ENV$|FORCE_TTY$|FORCE_COLOR$|CI$|GITHUB_)/.test(name),
  )
  return { ...Object.fromEntries(inherited), NO_COLOR: '1', ...extra }
}

function configOf(target: string, byDefault: boolean): string {
  return `
import { defineConfig } from 'vitest/config'
import { environmentProjects } from '../../../lib/vitest/projects.ts'

export default defineConfig({
  test: {
    reporters: [['default', { summary: false }], '${REPOSITORY}/lib/report/reporter.ts'],
    projects: environmentProjects([{ name: 'fake' }], {
      targetOf: () => ({ target: ${JSON.stringify(target)}, byDefault: ${byDefault} }),
      include: ['*.spec.ts'],
    }),
  },
})
`
}
