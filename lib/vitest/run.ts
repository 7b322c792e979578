import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join, relative } from 'node:path'
import { hash, messageOf } from '../core/index.ts'

/** One run of the suite and where all of its files lie. */
export interface Run {
  /** Name of the run: its wall-clock start and a few random letters. */
  readonly id: string
  /** Absolute path, `<root>/.failover/runs/<id>`. */
  readonly directory: string
  readonly startedAt: Date
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The run that the global setup has begun. */
    failoverRun: { readonly id: string; readonly directory: string }
  }
}

// Vitest loads the reporter and the global setup separately: what they share must not hang on a module's identity.
const KEY = Symbol.for('streams-failover.run')
interface Holder {
  [KEY]?: Run | undefined
}
const holder: typeof globalThis & Holder = globalThis

/** The run of this process, if one has begun. */
export function currentRun(): Run | undefined {
  return holder[KEY]
}

/** The run of this process; begins it where there is none yet. Nothing is written: see {@link openRunDirectory}. */
export function beginRun(root: string): Run {
  holder[KEY] ??= createRun(root)
  return holder[KEY]
}

/** Ends the current run, so that a rerun in watch mode begins its own. */
export function endRun(): void {
  holder[KEY] = undefined
}

function createRun(root: string): Run {
  const startedAt = new Date()
  const id = `${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}-${randomBytes(2).toString('hex')}`
  return { id, directory: join(root, '.failover', 'runs', id), startedAt }
}

/** Makes the directory of a run and lets `.failover/latest` point to it. */
export function openRunDirectory({ directory }: Run): void {
  mkdirSync(directory, { recursive: true })
  pointLatest(join(directory, '..', '..'), directory)
}

/** `latest` is a symbolic link, or a file with the path where the system has no links for us. */
function pointLatest(base: string, directory: string): void {
  const latest = join(base, 'latest')
  const target = relative(base, directory)
  try {
    // Renamed into place: another run may do the same at this moment.
    const fresh = `${latest}-${process.pid}`
    rmSync(fresh, { force: true })
    symlinkSync(target, fresh, 'dir')
    renameSync(fresh, latest)
  } catch (error) {
    try {
      writeFileSync(latest, `${target}\n`)
    } catch {
      process.emitWarning(`cannot write ${latest}: ${messageOf(error)}`)
    }
  }
}

/** Who a drill is, for its directory. */
export interface DrillIdentity {
  readonly environment: string
  /** Path of the spec. */
  readonly file: string
  /** Full name of the test. */
  readonly name: string
}

/**
 * Makes the directory of one drill, `<run>/<readable name>-<hash>`; a repetition of the same drill (retry, rerun) gets one of its
 * own.
 */
export function claimDrillDirectory(runDirectory: string, drill: DrillIdentity): string {
  const words = `${drill.environment} ${drill.name}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  const label = words.slice(0, 80).replaceAll(/^-+|-+$/g, '')
  const tag = hash(`${drill.environment}\n${drill.file}\n${drill.name}`).toString(16).padStart(8, '0')
  for (let attempt = 1; ; attempt++) {
    const directory = join(runDirectory, attempt === 1 ? `${label}-${tag}` : `${label}-${tag}-${attempt}`)
    mkdirSync(runDirectory, { recursive: true })
    try {
      mkdirSync(directory)
      return directory
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
}
