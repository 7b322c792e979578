import { spawn, type ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { abortedWhile, formatMs, messageOf, now, toMs } from '../core/index.ts'
import { CommandNotStartedError, CommandTimeoutError, ConnectRefusedError } from './errors.ts'
import { boundedText } from './output.ts'
import { commandLine, quote, wordsOf } from './quote.ts'
import type { Command, ConnectOptions, RunOptions, RunResult, Shell, SocketAddress } from './shell.ts'

const DEFAULT_OUTPUT_LIMIT = 1024 * 1024
const KILL_GRACE_MS = 1000

/** Settings of a {@link localShell}. */
export interface LocalShellOptions {
  /** Default `local`. */
  readonly name?: string
  /** The shell that runs scripts. Default `sh`. */
  readonly sh?: string
  /** Run all commands as root through `sudo -n`. Default false. */
  readonly sudo?: boolean
  /** Variables laid over this process's environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** A shell on this machine. Every command is a process group of its own, killed as a whole at the deadline and on abort. */
export function localShell(options: LocalShellOptions = {}): Shell {
  const running = new Set<ChildProcess>()
  const name = options.name ?? 'local'
  const env = { ...process.env, ...options.env }
  return {
    name,
    run: (command, runOptions) =>
      runLocally(
        command,
        { sudo: options.sudo ?? false, ...runOptions },
        { name, sh: options.sh ?? 'sh', env, running },
      ),
    connect: (address, connectOptions) => connectLocally(address, connectOptions, name),
    async [Symbol.asyncDispose]() {
      for (const child of running) killGroup(child)
      await Promise.resolve()
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
    const onError = (cause: Error): void =>
      fail(new ConnectRefusedError(`Opening ${what} failed: ${messageOf(cause)}.`, { cause }))
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
  const [file, ...args] = options.sudo ? ['sudo', '-n', '--', ...argv] : argv
  if (file === undefined) throw new CommandNotStartedError('There is no command to run: the argument vector is empty.')
  const what = `the command ${shorten(commandLine(argv))} on ${context.name}`
  if (options.signal?.aborted) throw abortedWhile(what, options.signal)

  const withinMs = toMs(options.within)
  const limit = options.outputLimit ?? DEFAULT_OUTPUT_LIMIT
  const sentAt = now()
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: context.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    context.running.add(child)
    const stdout = boundedText(child.stdout, limit)
    const stderr = boundedText(child.stderr, limit)
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
      const said = seen === '' ? '' : ` It had said: ${shorten(seen.trim())}`
      stop(new CommandTimeoutError(`Waited ${formatMs(withinMs)} for ${what}, in vain; it was killed.${said}`))
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

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
