import { spawn, type ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { abortedWhile, formatMs, messageOf, now, redact, toMs } from '../core/index.ts'
import { CommandNotStartedError, CommandTimeoutError } from './errors.ts'
import type { Sudo } from './launch.ts'
import { connectFault } from './network-error.ts'
import { boundedText } from './output.ts'
import { quote, wordsOf } from './quote.ts'
import type { Command, ConnectOptions, RunOptions, RunResult, Shell, SocketAddress } from './shell.ts'
import {
  checkKilled,
  DEFAULT_OUTPUT_LIMIT,
  describe,
  KILL_WITHIN_MS,
  killCommand,
  shorten,
  supervise,
  type Running,
  type Transport,
} from './supervise.ts'

const KILL_GRACE_MS = 1000

/** Settings of a {@link localShell}. */
export interface LocalShellOptions {
  /** Default `local`. */
  readonly name?: string
  /** The shell that runs scripts. Default `sh`. */
  readonly sh?: string
  /** Run all commands as root through sudo: without being asked, or with that password. Default false. */
  readonly sudo?: boolean | Sudo
  /** Variables laid over this process's environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** A shell on this machine. Every command is a process group of its own, killed as a whole at the deadline and on abort. */
export function localShell(options: LocalShellOptions = {}): Shell {
  const running = new Set<ChildProcess>()
  const name = options.name ?? 'local'
  const env = { ...process.env, ...options.env }
  const context: LocalContext = { name, sh: options.sh ?? 'sh', env, running }
  const sudo: Sudo | undefined = options.sudo === true ? {} : options.sudo || undefined
  const throughSudo = sudoTransport(context)
  return {
    name,
    run: (command, runOptions) =>
      (runOptions.sudo ?? sudo !== undefined)
        ? supervise(command, runOptions, throughSudo, sudo ?? {})
        : runLocally(command, runOptions, context),
    connect: (address, connectOptions) => connectLocally(address, connectOptions, name),
    async [Symbol.asyncDispose]() {
      for (const child of running) killGroup(child)
      await Promise.all([...throughSudo.underWay].map((end) => end()))
    },
  }
}

/** A TCP connection from this machine. */
function connectLocally(
  { host, port }: SocketAddress,
  { within, signal }: ConnectOptions,
  name: string,
): Promise<Duplex> {
  const what = `a connection from ${name} to ${host}:${port}`
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortedWhile(what, signal))
    const socket = connect({ host, port, noDelay: true })
    const settle = (done: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      done()
    }
    const fail = (error: Error): void =>
      settle(() => {
        socket.on('error', () => undefined)
        socket.destroy()
        reject(error)
      })
    const onAbort = (): void => fail(abortedWhile(what, signal))
    const onError = (cause: Error): void => fail(connectFault(what, cause))
    const timer = setTimeout(
      () => fail(new CommandTimeoutError(`Waited ${formatMs(toMs(within))} for ${what}, in vain.`)),
      toMs(within),
    )
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('error', onError)
    socket.once('connect', () => settle(() => resolve(socket)))
  })
}

interface LocalContext {
  readonly name: string
  readonly sh: string
  readonly env: NodeJS.ProcessEnv
  readonly running: Set<ChildProcess>
}

async function runLocally(command: Command, options: RunOptions, context: LocalContext): Promise<RunResult> {
  const argv = 'script' in command ? [context.sh, ...wordsOf(command).slice(1)] : command
  argv.forEach(quote) // refuses what cannot be an argument, with the same error as everywhere
  const [file, ...args] = argv
  if (file === undefined) throw new CommandNotStartedError('There is no command to run: the argument vector is empty.')
  const what = `the command ${describe(argv)} on ${context.name}`
  if (options.signal?.aborted) throw abortedWhile(what, options.signal)

  const withinMs = toMs(options.within)
  const limit = options.outputLimit ?? DEFAULT_OUTPUT_LIMIT
  const sentAt = now()
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: context.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    context.running.add(child)
    const stdout = boundedText(child.stdout, limit, options.encoding)
    const stderr = boundedText(child.stderr, limit, options.encoding)
    let failure: Error | undefined
    let afterKill: NodeJS.Timeout | undefined
    const stop = (error: Error): void => {
      failure ??= error
      killGroup(child)
      // Even SIGKILL waits for a process that is stuck in the kernel; the caller does not.
      afterKill ??= setTimeout(() => reject(error), KILL_GRACE_MS)
      // A child that left the group may hold the pipes open; the wait does not depend on it.
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const onAbort = (): void => stop(abortedWhile(what, options.signal))
    const timer = setTimeout(() => {
      const seen = stderr.text() || stdout.text()
      const said = seen === '' ? '' : ` It had said: ${shorten(redact(seen))}`
      stop(
        new CommandTimeoutError(`Waited ${formatMs(withinMs)} for ${what}, in vain; it was killed.${said}`, {
          details: { sent: true },
        }),
      )
    }, withinMs)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    const settle = (): void => {
      clearTimeout(timer)
      clearTimeout(afterKill)
      options.signal?.removeEventListener('abort', onAbort)
      context.running.delete(child)
    }
    child.once('error', (error) => {
      settle()
      reject(
        new CommandNotStartedError(`Could not start ${what}: ${messageOf(error)}.`, {
          remedy: `Check that ${JSON.stringify(file)} is installed there.`,
          cause: error,
        }),
      )
    })
    child.once('close', (code, signal) => {
      settle()
      if (failure) return reject(failure)
      const truncated = stdout.truncated() || stderr.truncated()
      resolve({ code, signal, stdout: stdout.text(), stderr: stderr.text(), truncated, sentAt, doneAt: now() })
    })
    // A command that does not read its input, or is gone, breaks the pipe; its exit code tells what matters.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.stdin ?? '')
  })
}

/** Also when the leader has ended: a group keeps its id until its last member is gone. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

/** The way through sudo, whose processes only sudo can kill. */
function sudoTransport(context: LocalContext): Transport {
  const transport: Transport = {
    name: context.name,
    underWay: new Set(),
    passwords: { taken: false },
    start: (argv) => spawnRunning(argv, context),
    async kill(group, sudo) {
      const bare = { ...transport, underWay: new Set<() => Promise<unknown>>() }
      checkKilled(await supervise(killCommand(group), { within: `${KILL_WITHIN_MS}ms` }, bare, sudo))
    },
  }
  return transport
}

function spawnRunning([, ...args]: readonly string[], { name, sh, env }: LocalContext): Promise<Running> {
  return new Promise((resolve, reject) => {
    const sentAt = now()
    const child = spawn(sh, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    const done = new Promise<{ code: number | null; signal: string | null }>((over) => {
      child.once('close', (code, signal) => over({ code, signal }))
    })
    child.once('error', (cause) => {
      reject(new CommandNotStartedError(`Could not start ${sh} on ${name}: ${messageOf(cause)}.`, { cause }))
    })
    child.once('spawn', () => {
      resolve({
        sentAt,
        stdin: child.stdin,
        stdout: child.stdout,
        stderr: child.stderr,
        done,
        close() {
          child.stdin.destroy()
          child.stdout.destroy()
          child.stderr.destroy()
        },
      })
    })
  })
}
