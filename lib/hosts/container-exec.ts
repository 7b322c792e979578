import { PassThrough, type Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { messageOf, now, pause } from '../core/index.ts'
import { ConnectionLostError, HostUnreachableError } from './errors.ts'
import type { Running } from './supervise.ts'

/** How often Docker is asked whether a command whose output has ended is over; ms. */
const ASK_EVERY_MS = 20

/**
 * Starts a command in a container.
 * @throws HostUnreachableError where there is no Docker, no such container, or it does not run; the signal's reason
 */
export async function startExec(
  container: string,
  place: string,
  argv: readonly string[],
  asRoot: boolean,
  stop: AbortSignal,
): Promise<Running> {
  const docker = await dockerClient(place)
  stop.throwIfAborted()
  try {
    const exec = await docker.getContainer(container).exec({
      Cmd: [...argv],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      ...(asRoot ? { User: '0' } : {}),
      abortSignal: stop,
    })
    stop.throwIfAborted()
    const sentAt = now()
    return running(exec, await exec.start({ hijack: true, stdin: true }), sentAt, place)
  } catch (error) {
    throw stop.aborted ? error : dockerFault(place, container, error)
  }
}

function running(exec: Docker.Exec, socket: Duplex, sentAt: number, place: string): Running {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  demultiplex(socket, stdout, stderr)
  let closed = false
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    socket.once('end', () => resolve())
  })
  const outputRead = Promise.all(
    [stdout, stderr].map((stream) => new Promise((resolve) => stream.once('end', resolve))),
  )
  const done = (async () => {
    await ended
    for (;;) {
      const { Running, ExitCode } = await exec.inspect()
      if (!Running && ExitCode !== null) {
        if (!closed) await outputRead
        return { code: ExitCode, signal: null }
      }
      if (closed) throw new Error('nobody waits for it any more')
      await pause(ASK_EVERY_MS)
    }
  })().catch((cause: unknown) => {
    throw new ConnectionLostError(
      `The connection to Docker was lost during a command in ${place}: ${messageOf(cause)}. It may still be running.`,
      { underWay: true, remedy: 'Look at the container before doing it again.', cause },
    )
  })
  // Whoever waits sees it; who has stopped waiting must not bring the process down.
  done.catch(() => undefined)
  return {
    sentAt,
    stdin: socket,
    stdout,
    stderr,
    done,
    close() {
      closed = true
      socket.destroy()
    },
  }
}

/** Parts Docker's stream: frames of a type (1 stdout, 2 stderr), three zeros, a length, and as many bytes. */
function demultiplex(socket: Duplex, stdout: PassThrough, stderr: PassThrough): void {
  let header: Buffer = Buffer.alloc(0)
  let left = 0
  let into = stdout
  socket.on('data', (data: Buffer) => {
    let chunk = data
    while (chunk.length > 0) {
      if (left === 0) {
        const missing = 8 - header.length
        header = Buffer.concat([header, chunk.subarray(0, missing)])
        chunk = chunk.subarray(missing)
        if (header.length < 8) return
        into = header[0] === 2 ? stderr : stdout
        left = header.readUInt32BE(4)
        header = Buffer.alloc(0)
        continue
      }
      const part = chunk.subarray(0, left)
      left -= part.length
      chunk = chunk.subarray(part.length)
      if (!into.write(part)) {
        socket.pause()
        into.once('drain', () => socket.resume())
      }
    }
  })
  const end = (): void => {
    stdout.end()
    stderr.end()
  }
  socket.once('end', end)
  socket.once('close', end)
  // What Docker knows of the command tells more than a broken stream.
  socket.on('error', end)
}

let client: Promise<Docker> | undefined

function dockerClient(place: string): Promise<Docker> {
  client ??= import('dockerode').then(({ default: Client }) => new Client())
  return client.catch((cause: unknown) => {
    client = undefined
    throw new HostUnreachableError('no-docker', `${place} cannot be reached: there is no Docker client here.`, {
      remedy: 'Install testcontainers (npm install testcontainers), which brings one.',
      cause,
    })
  })
}

function dockerFault(place: string, container: string, cause: unknown): HostUnreachableError {
  const status = typeof cause === 'object' && cause && 'statusCode' in cause ? cause.statusCode : undefined
  if (status === 404) {
    return new HostUnreachableError('no-container', `${place} cannot be reached: there is no container ${container}.`, {
      remedy: 'Check its name against "docker ps".',
      cause,
    })
  }
  if (status === 409) {
    return new HostUnreachableError('no-container', `${place} cannot be reached: the container is not running.`, {
      remedy: `Start it ("docker start ${container}"), or unpause it.`,
      cause,
    })
  }
  return new HostUnreachableError('no-docker', `${place} cannot be reached: Docker says ${messageOf(cause).trim()}.`, {
    remedy: 'Check that Docker runs, that DOCKER_HOST is right, and that this user may use it.',
    cause,
  })
}
