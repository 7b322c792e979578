import { Duplex } from 'node:stream'
import { abortedWhile, formatMs, toMs } from '../core/index.ts'
import { CommandNotStartedError, CommandTimeoutError } from './errors.ts'
import { headOf, launch } from './launch.ts'
import { connectFault } from './network-error.ts'
import type { ConnectOptions, SocketAddress } from './shell.ts'
import type { Running, Transport } from './supervise.ts'

/**
 * `$1` host, `$2` port. Says on stderr when the far side has accepted. Neither bash nor every nc can close one direction alone: the
 * connection ends as a whole. With an nc that waits for its input to end, the far side's end shows only in the next write.
 */
const BRIDGE = [
  'if command -v bash >/dev/null; then',
  `  exec bash -c 'exec 3<>"/dev/tcp/$1/$2" || exit 1; echo connection succeeded >&2`,
  `    exec 4<&0; cat <&4 >&3 & failover_w=$!; cat <&3; kill "$failover_w" 2>/dev/null' bash "$1" "$2"`,
  'fi',
  'command -v nc >/dev/null || exit 42',
  'exec nc -v "$1" "$2"',
].join('\n')

const LACKS_TOOL = 42
const ACCEPTED = /succeeded|\bopen\b|connected to/i
const KEPT = 4096

/**
 * A TCP connection from a machine that offers nothing but commands, over the input and output of a program there.
 * @throws as {@link Shell.connect}
 */
export async function bridgedSocket(
  { host, port }: SocketAddress,
  { within, signal }: ConnectOptions,
  transport: Transport,
): Promise<Duplex> {
  const what = `a connection from ${transport.name} to ${host}:${port}`
  if (signal?.aborted) throw abortedWhile(what, signal)
  const prepared = launch(['sh', '-c', BRIDGE, 'sh', host, String(port)])
  const stop = new AbortController()
  const starting = transport.start(prepared.argv, stop.signal, { what, stage: () => undefined })
  let group: number | undefined
  const end = (): void =>
    void starting
      .then(async (running) => {
        if (group !== undefined) await transport.kill(group, undefined)
        running.close()
      })
      .catch(() => undefined)
  return new Promise<Duplex>((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const fail = (error: Error): void => {
      settle()
      stop.abort()
      end()
      reject(error)
    }
    const onAbort = (): void => fail(abortedWhile(what, signal))
    const timer = setTimeout(() => {
      fail(new CommandTimeoutError(`Waited ${formatMs(toMs(within))} for ${what}, in vain.`))
    }, toMs(within))
    signal?.addEventListener('abort', onAbort, { once: true })
    starting.then((running) => {
      const stdout = headOf(prepared.mark, (found) => (group = found))
      const stderr = headOf(prepared.mark, (found) => (group = found))
      let said = ''
      let accepted = false
      const socket = bridge(running, stdout, end)
      running.stderr.on('data', (chunk: Buffer) => {
        said = `${said}${stderr.take(chunk)?.toString('utf8') ?? ''}`.slice(-KEPT)
        if (accepted || !ACCEPTED.test(said)) return
        accepted = true
        settle()
        resolve(socket)
      })
      running.done.then(
        ({ code }) => {
          if (accepted) return
          if (code === LACKS_TOOL) {
            return fail(
              new CommandNotStartedError(`${transport.name} has nothing that could open ${what}.`, {
                remedy: 'Put bash or nc into the container, or reach it over SSH.',
              }),
            )
          }
          fail(connectFault(what, said.trim().split('\n').at(-1) ?? `code ${code}`))
        },
        (error: Error) => (accepted ? socket.destroy(error) : fail(error)),
      )
    }, fail)
  })
}

function bridge(running: Running, head: ReturnType<typeof headOf>, end: () => void): Duplex {
  const socket = new Duplex({
    allowHalfOpen: false,
    read: () => void running.stdout.resume(),
    write: (chunk: Buffer, _encoding, done) => void running.stdin.write(chunk, (error) => done(error ?? null)),
    final(done) {
      running.stdin.end()
      done()
    },
    destroy(error, done) {
      end()
      done(error)
    },
  })
  running.stdout.on('data', (chunk: Buffer) => {
    const own = head.take(chunk)
    if (own && !socket.push(own)) running.stdout.pause()
  })
  running.stdout.on('end', () => socket.push(null))
  running.stdin.on('error', (error) => socket.destroy(error))
  return socket
}
