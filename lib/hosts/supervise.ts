import type { Readable, Writable } from 'node:stream'
import { abortedWhile, FailoverError, formatMs, messageOf, now, redact, toMs } from '../core/index.ts'
import { CommandNotStartedError, CommandTimeoutError } from './errors.ts'
import { headOf, launch, type Launch, type Sudo } from './launch.ts'
import { boundedBytes } from './output.ts'
import { privilegeError } from './privilege.ts'
import { commandLine, quote, wordsOf } from './quote.ts'
import type { Command, RunOptions, RunResult, ShellScript } from './shell.ts'

/** Bytes of output that are kept unless a caller says otherwise. */
export const DEFAULT_OUTPUT_LIMIT = 1024 * 1024

/** How long we wait for what we killed to be gone. Even SIGKILL waits for a process that is stuck in the kernel; the caller does not. */
export const KILL_WITHIN_MS = 5000

/** A command that is under way on a machine. */
export interface Running {
  readonly sentAt: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles when the command is over and its output complete; rejects when nobody will ever know. */
  readonly done: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** A quick way to kill that may or may not work. */
  readonly signal?: () => void
  /** Lets go of it. */
  readonly close: () => void
}

/** What messages say of a command that has not started yet. */
export interface Progress {
  /** The command, as in `the command … on …`. */
  readonly what: string
  /** Told what is awaited. */
  readonly stage: (awaited: string) => void
}

/** The way to one machine. */
export interface Transport {
  readonly name: string
  /**
   * Starts a command. Until something was sent, it gives up when `stop` is aborted, with the reason of that; afterwards it does
   * not.
   */
  start(argv: readonly string[], stop: AbortSignal, progress: Progress): Promise<Running>
  /** Kills a process group. Throws if it could not. */
  kill(group: number, sudo: Sudo | undefined): Promise<void>
  /** How to end each command that is under way. */
  readonly underWay: Set<() => Promise<unknown>>
  /** Set once sudo took the password: from then on nothing waits for it. */
  readonly passwords: { taken: boolean }
}

/** Runs a command on a machine, with its deadline, its input, its output, and the end of its whole process group. */
export async function supervise(
  command: Command,
  options: RunOptions,
  transport: Transport,
  sudo: Sudo | undefined,
): Promise<RunResult> {
  const words = wordsOf(command)
  if (words.length === 0) throw new CommandNotStartedError('There is no command to run: the argument vector is empty.')
  words.forEach(quote) // refuses what cannot be an argument, with the same error as everywhere
  const what = `the command ${describe(words)} on ${transport.name}`
  if (options.signal?.aborted) throw abortedWhile(what, options.signal)

  const prepared = launch(words, sudo)
  const io = inputAndOutput(prepared, options, transport.passwords)
  const stop = new AbortController()
  let awaited = 'it was not sent'
  let sent = false
  let ended = KILLED
  const begun = transport
    .start(prepared.argv, stop.signal, { what, stage: (stage) => (awaited = stage) })
    .then((running) => {
      sent = true
      io.attach(running)
      return running
    })
  const killed = once(() => endOf(begun, io.group, transport, sudo))
  transport.underWay.add(killed)

  const withinMs = toMs(options.within)
  let giveUp: (() => Error) | undefined
  const stopped = new Promise<'stopped'>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
  const timer = setTimeout(() => {
    giveUp = () => {
      const how = !sent ? `; ${awaited}` : `; ${ended}`
      const said = io.said() === '' ? '' : ` It had said: ${shorten(redact(io.said()))}`
      return new CommandTimeoutError(`Waited ${formatMs(withinMs)} for ${what}, in vain${how}.${said}`, {
        details: { sent },
      })
    }
    stop.abort()
  }, withinMs)
  const onAbort = (): void => {
    giveUp ??= () => abortedWhile(sent && ended !== KILLED ? `${what} (${ended})` : what, options.signal)
    stop.abort()
  }
  options.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const outcome = await Promise.race([
      begun.then((running) => running.done.then((exit) => ({ running, exit }))),
      stopped,
    ])
    if (outcome === 'stopped') {
      begun.catch(() => undefined)
      ended = await killed()
      throw giveUp?.() ?? abortedWhile(what, options.signal)
    }
    if (!io.started()) throw notStarted(what, transport.name, outcome.exit.code, io.noise(), sudo)
    if (sudo?.password) transport.passwords.taken = true
    return { ...outcome.exit, ...io.result(), sentAt: outcome.running.sentAt, doneAt: now() }
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', onAbort)
    transport.underWay.delete(killed)
  }
}

/** Kills a process group. A group that is gone already is no failure; one that is still there and could not be killed is. */
export function killCommand(group: number): ShellScript {
  return { script: KILL, args: [String(group)] }
}

/** @throws FailoverError if a {@link killCommand} did not succeed */
export function checkKilled({ code, stderr }: RunResult): void {
  if (code !== 0) throw new FailoverError('FAILOVER_KILL', `kill failed: ${shorten(stderr) || `code ${code}`}.`)
}

const KILL = [
  'failover_e=$(kill -s KILL -- "-$1" 2>&1) && exit 0',
  'for failover_f in /proc/[0-9]*/stat; do',
  '  { read -r failover_l <"$failover_f"; } 2>/dev/null || continue',
  '  failover_g=$1; set -- ${failover_l##*) }',
  '  if [ "$3" = "$failover_g" ] && [ "$1" != Z ]; then echo "$failover_e" >&2; exit 1; fi',
  '  set -- "$failover_g"',
  'done',
].join('\n')

/** A command as messages show it. */
export function describe(words: readonly string[]): string {
  return shorten(redact(commandLine(words)))
}

/** The beginning of a text, for a message. */
export function shorten(text: string): string {
  const trimmed = text.trim()
  return trimmed.length > 200 ? `${trimmed.slice(0, 200)}…` : trimmed
}

const KILLED = 'it was killed'

/** Kills what was begun, and says how that went. Goes on in the background if that takes longer than a caller should wait. */
async function endOf(
  begun: Promise<Running>,
  group: Promise<number>,
  transport: Transport,
  sudo: Sudo | undefined,
): Promise<string> {
  const work = async (): Promise<string> => {
    let running: Running
    try {
      running = await begun
    } catch {
      return 'it was not sent'
    }
    const over = running.done.then(
      () => KILLED,
      (error: unknown) => `it may still be running: ${messageOf(error)}`,
    )
    running.signal?.()
    const leader = await Promise.race([group, over])
    if (typeof leader === 'string') return leader
    try {
      await transport.kill(leader, sudo)
    } catch (error) {
      running.close()
      return `it may still be running, since it could not be killed: ${messageOf(error)}`
    }
    // A child that left the group may hold the pipes open; the wait does not depend on it.
    await atMost(HELD_PIPES_MS, over)
    running.close()
    return KILLED
  }
  const ended = await atMost(KILL_WITHIN_MS, work())
  if (ended !== undefined) return ended
  // What has not printed its mark by now cannot do so any more, and does not start.
  void begun.then((running) => running.close()).catch(() => undefined)
  return 'it may still be running: killing it took too long'
}

const HELD_PIPES_MS = 500

/** The promise's value, or undefined if it takes longer. */
function atMost<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function once<T>(work: () => T): () => T {
  let result: { readonly value: T } | undefined
  return () => (result ??= { value: work() }).value
}

function notStarted(what: string, name: string, code: number | null, noise: string, sudo: Sudo | undefined): Error {
  if (sudo) return privilegeError(name, noise, sudo)
  const said = noise.trim() === '' ? 'said nothing' : `said: ${shorten(redact(noise))}`
  return new CommandNotStartedError(
    `Could not start ${what}: its shell ended with code ${code ?? 'none'} and ${said}.`,
    {
      remedy: `Check that the user's login shell on ${name} is a POSIX shell that runs commands, and that sh is there.`,
    },
  )
}

/** Input and output of a command that was made ready by {@link launch}. */
function inputAndOutput(prepared: Launch, options: RunOptions, passwords: { readonly taken: boolean }) {
  const limit = options.outputLimit ?? DEFAULT_OUTPUT_LIMIT
  const stdout = boundedBytes(limit, options.encoding)
  const stderr = boundedBytes(limit, options.encoding)
  let started: (group: number) => void = () => undefined
  const group = new Promise<number>((resolve) => (started = resolve))
  const heads = [headOf(prepared.mark, started), headOf(prepared.mark, started)] as const
  const anyGroup = (): number | undefined => heads[0].group() ?? heads[1].group()
  const noise = (): string => `${heads[1].group() === undefined ? heads[1].noise() : ''}${heads[0].noise()}`
  return {
    group,
    started: () => anyGroup() !== undefined,
    noise: () => noise().replaceAll(prepared.password?.prompt ?? prepared.mark, ''),
    said: () => stderr.text().trim() || stdout.text().trim(),
    result: () => ({
      stdout: stdout.text(),
      stderr: stderr.text(),
      truncated: stdout.truncated() || stderr.truncated(),
    }),
    attach(running: Running) {
      const give = feed(running.stdin, prepared, options.stdin ?? '', passwords.taken)
      void group.then(give.started)
      const collect = (stream: Readable, index: 0 | 1, into: { add(chunk: Buffer): void }): void => {
        stream.on('data', (chunk: Buffer) => {
          const own = heads[index].take(chunk)
          if (own) into.add(own)
          else if (index === 1) give.heard(heads[1].noise())
        })
        // Torn down with the connection, whose own failure is what is reported.
        stream.on('error', () => undefined)
      }
      collect(running.stdout, 0, stdout)
      collect(running.stderr, 1, stderr)
    },
  }
}

/** Writes the input. With a password, the command's own input waits until sudo has taken the password at least once. */
function feed(stdin: Writable, { password }: Launch, input: string | Uint8Array, taken: boolean) {
  // A command that does not read its input, or is gone, breaks the pipe; its exit code tells what matters.
  stdin.on('error', () => undefined)
  const rest = (): void => {
    if (password) stdin.write(password.end)
    stdin.end(input)
  }
  const finish = once(rest)
  if (password) stdin.write(password.line)
  if (!password || taken) finish()
  return {
    started: () => void finish(),
    /** Asked again: the password was wrong, and each further line would be taken for one. */
    heard(noise: string) {
      if (password && noise.split(password.prompt).length > 2) stdin.end()
    },
  }
}
