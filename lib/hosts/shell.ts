import type { Duplex } from 'node:stream'
import type { Duration } from '../core/index.ts'

/**
 * What a shell can run: an argument vector, which no shell interprets (every argument arrives as it was given), or a POSIX sh
 * script whose arguments are `$1`, `$2`, …
 */
export type Command = readonly string[] | ShellScript

/** A POSIX sh script with its arguments. */
export interface ShellScript {
  readonly script: string
  readonly args?: readonly string[]
}

/** Options of {@link Shell.run}. */
export interface RunOptions {
  /** Deadline of the command; past it, the command's whole process group is killed. */
  readonly within: Duration
  readonly signal?: AbortSignal | undefined
  /** Given to the command on its standard input, which is empty otherwise. */
  readonly stdin?: string | Uint8Array
  /** Run as root through sudo (never asks for a password at a terminal). Default: what the shell was opened with, else false. */
  readonly sudo?: boolean
  /** Bytes that are kept of each of stdout and stderr; what is beyond is dropped and `truncated` says so. Default 1 MiB. */
  readonly outputLimit?: number
  /** `latin1`: each character of stdout and stderr is one byte, for output that is no text. Default `utf8`. */
  readonly encoding?: 'utf8' | 'latin1'
}

/** What a command did. */
export interface RunResult {
  /** Exit code; `null` if a signal ended the command. */
  readonly code: number | null
  /** The signal that ended the command, e.g. `SIGKILL`. */
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  /** Output beyond the limit was dropped. */
  readonly truncated: boolean
  /** Monotonic ms of the runner, just before the command was sent. */
  readonly sentAt: number
  /** Monotonic ms of the runner, when the command was known to be over. */
  readonly doneAt: number
}

/** Where a TCP connection goes to. */
export interface SocketAddress {
  /** A name or an address, as that machine resolves it. */
  readonly host: string
  readonly port: number
}

/** Options of {@link Shell.connect}. */
export interface ConnectOptions {
  readonly within: Duration
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link Shell.warm}. */
export interface WarmOptions extends ConnectOptions {
  /** Of the next commands, how many are to find a shell that waits for them. Default 0. */
  readonly shells?: number
}

/**
 * A way to run commands on a machine. A local shell, an SSH connection and a container all look like this.
 */
export interface Shell {
  /** Name of the machine, for messages. */
  readonly name: string
  /**
   * Runs a command to its end. A command that ends with a code other than 0 is a result, not an error. A program that is not
   * there is code 127 (126: not executable) where a shell starts it, that is everywhere but on a local shell without sudo.
   * @throws CommandTimeoutError when the deadline passes, AbortedError when the signal is aborted; after these two the command's
   * process group has been killed, or the message says that this is not certain. CommandNotStartedError when there is nothing to
   * run or the machine runs nothing; PrivilegeError when root was asked for and refused. From a machine that is reached by a
   * network also HostUnreachableError, AuthenticationError, HostKeyError (nothing was sent), and ConnectionLostError (its
   * `underWay` says whether the command may have run).
   */
  run(command: Command, options: RunOptions): Promise<RunResult>
  /**
   * Opens a TCP connection from that machine, without any tool on it (over SSH: a forwarded channel). Resolves when the far side
   * has accepted; data, end and reset come through as on a socket.
   * @throws ConnectRefusedError when the far side, or something on the way, refuses; CommandTimeoutError when nothing answers in
   * time; AbortedError; CommandNotStartedError where the machine offers no way to do it; and what reaching the machine throws
   */
  connect(address: SocketAddress, options: ConnectOptions): Promise<Duplex>
  /**
   * Where the way to the machine is long: connects now instead of with the first command, and starts shells there that wait for the
   * next commands. Those take less time, and it is known better when they ran. Throws as {@link Shell.run} does.
   */
  warm?(options: WarmOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
