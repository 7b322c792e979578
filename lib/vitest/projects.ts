import { fileURLToPath } from 'node:url'
import type { TestProjectInlineConfiguration } from 'vitest/config'
import type { ProvidedEnvironment } from './environment-of.ts'
import { registerLock, type TakeLock } from './locks.ts'

/** What of an environment makes a project. */
export interface ProjectEnvironment {
  readonly name: string
}

/** Which system an environment will be resolved to. */
export interface ProjectTarget {
  readonly target: string
  /** Nothing was configured: the embedded lab stands in. */
  readonly byDefault: boolean
}

/** Options of {@link environmentProjects}. */
export interface ProjectOptions<Environment extends ProjectEnvironment> {
  readonly targetOf: (environment: Environment) => ProjectTarget
  /** Where the specs lie. Default: all `*.spec.ts` below `specs`. */
  readonly include?: readonly string[]
  /** Command line after the program's name; it may name a live environment. */
  readonly argv?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Takes the lock of a live environment; it is held for the whole run. */
  readonly lock?: (environment: Environment, options: Parameters<TakeLock>[0]) => ReturnType<TakeLock>
  /** Told of live environments that are left out. */
  readonly print?: (line: string) => void
}

/** Files of an environment in a lab that run side by side; each has a lab of its own. */
const LAB_WORKERS = 2
/** Projects without an environment come first. */
const FIRST_GROUP = 10

/**
 * One Vitest project per environment, by its name. A live environment is left out unless the command line names it
 * (`--project its-name`, no wildcard) or `FAILOVER_TARGET=live` is set, so that a plain `npx vitest` never breaks a real site.
 */
export function environmentProjects<Environment extends ProjectEnvironment>(
  environments: readonly Environment[],
  options: ProjectOptions<Environment>,
): TestProjectInlineConfiguration[] {
  const { argv = process.argv.slice(2), env = process.env, print = printLine } = options
  return environments.flatMap((environment, index) => {
    const { target, byDefault } = options.targetOf(environment)
    const { name } = environment
    if (target === 'live' && env.FAILOVER_TARGET !== 'live' && !projectsNamed(argv).includes(name)) {
      print(
        `${name} is a live environment and is left out: name it (--project ${name}), or set FAILOVER_TARGET=live for this command.`,
      )
      return []
    }
    const { lock } = options
    if (target === 'live' && lock) registerLock(name, (lockOptions) => lock(environment, lockOptions))
    const provided: ProvidedEnvironment = { name, target, byDefault }
    const parallel = target !== 'live'
    return [
      {
        extends: true,
        test: {
          name,
          include: [...(options.include ?? ['specs/**/*.spec.ts'])],
          provide: { failoverEnvironment: provided, environmentName: name },
          globalSetup: [besideThis('global-setup.ts')],
          setupFiles: [besideThis('worker-setup.ts')],
          pool: 'forks',
          isolate: true,
          fileParallelism: parallel,
          maxWorkers: parallel ? LAB_WORKERS : 1,
          // A failover that failed is data: a second try would hide it.
          retry: 0,
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: FIRST_GROUP + index, hooks: 'stack' },
        },
      },
    ]
  })
}

/** Projects that a command line names exactly. */
export function projectsNamed(argv: readonly string[]): readonly string[] {
  return argv.flatMap((argument, index) => {
    if (argument.startsWith('--project=')) return [argument.slice('--project='.length)]
    const value = argv[index + 1]
    return argument === '--project' && value !== undefined ? [value] : []
  })
}

function besideThis(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}

const PRINTED = Symbol.for('streams-failover.printed')
const holder: typeof globalThis & { [PRINTED]?: Set<string> } = globalThis

/** Vitest loads a configuration again for every project that extends it: a line is printed once. */
function printLine(line: string): void {
  const printed = (holder[PRINTED] ??= new Set())
  if (printed.has(line)) return
  printed.add(line)
  process.stderr.write(`${line}\n`)
}
