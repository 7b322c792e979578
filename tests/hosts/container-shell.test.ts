import { createHash, randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, realpathSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import Docker from 'dockerode'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { AbortedError, eventually, now } from '../../lib/core/index.ts'
import {
  CommandNotStartedError,
  CommandTimeoutError,
  ConnectRefusedError,
  containerShell,
  HostUnreachableError,
  openShell,
  surveyTools,
  type Shell,
} from '../../lib/hosts/index.ts'
import { lackOf, needs } from './beds/need.ts'

// Real containers on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const IMAGE = 'debian:bookworm-slim'
const within = { within: '20s' } as const
const words = fc.array(
  fc
    .oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.string({ unit: fc.constantFrom(...`'"\`$\\\n\r\t !*?~#&|;<>()[]{}=-%é💥`), maxLength: 30 }),
    )
    .map((text) => Buffer.from(text.replaceAll('\0', '')).toString()),
  { minLength: 1, maxLength: 6 },
)

describe('a shell in a container', () => {
  needs('docker')
  let container: Docker.Container
  let shell: Shell
  const sleeper = async (user = ''): Promise<Docker.Container> => {
    // It ends, and goes, by itself should this process be killed.
    const made = await new Docker().createContainer({
      Image: IMAGE,
      Cmd: ['sleep', '600'],
      User: user,
      Labels: { 'streams-failover.test': 'container-shell' },
      HostConfig: { AutoRemove: true, Init: true },
    })
    await made.start()
    return made
  }
  const remove = (made: Docker.Container): Promise<unknown> => made.remove({ force: true })

  beforeAll(async () => {
    if (lackOf('docker') !== undefined) return
    container = await sleeper()
    shell = containerShell({ name: 'box', container: container.id })
  })
  afterAll(async () => {
    await shell?.[Symbol.asyncDispose]()
    if (container) await remove(container)
  })

  /** Processes of the container whose command line holds a text; past the shell. */
  async function processes(text: string): Promise<string[]> {
    const { Processes } = (await container.top({ ps_args: 'axww -o pid,args' })) as { Processes: string[][] }
    return Processes.map((line) => line.join(' ')).filter((line) => line.includes(text))
  }

  it('tells output, exit code and the time bounds', async () => {
    const before = now()
    const result = await shell.run({ script: 'cat; echo oops >&2; exit 3' }, { ...within, stdin: 'héllo' })
    expect(result).toMatchObject({ code: 3, signal: null, stdout: 'héllo', stderr: 'oops\n', truncated: false })
    expect(result.sentAt).toBeGreaterThanOrEqual(before)
    expect(result.doneAt).toBeGreaterThan(result.sentAt)
    expect(await shell.run({ script: 'kill -TERM $$' }, within)).toMatchObject({ code: 143, signal: null })
    expect(await shell.run(['no-such-program'], within)).toMatchObject({ code: 127 })
    expect(await surveyTools(shell, ['bash', 'no-such'], within)).toMatchObject({ 'no-such': undefined })
  })

  it('hands any argument over as it was given', async () => {
    await fc.assert(
      fc.asyncProperty(words, async (args) => {
        const { stdout } = await shell.run(['printf', '%s\\0', ...args], within)
        expect(stdout.split('\0').slice(0, -1)).toEqual(args)
      }),
      { numRuns: 15 },
    )
  })

  it('carries 5 MB of anything in and out', async () => {
    const data = randomBytes(5_000_000)
    const limits = { within: '30s', outputLimit: 6_000_000, encoding: 'latin1', stdin: data } as const
    const echoed = await shell.run(['cat'], limits)
    expect(Buffer.from(echoed.stdout, 'latin1').equals(data)).toBe(true)
    const sum = await shell.run(['sha256sum'], limits)
    expect(sum.stdout).toContain(createHash('sha256').update(data).digest('hex'))
    expect(await shell.run(['true'], limits)).toMatchObject({ code: 0 })
  })

  it('kills the whole process group at the deadline, on abort and on disposal', async () => {
    const script = 'sleep 4711 & echo started >&2; wait'
    const late = shell.run({ script }, { within: '1s' })
    await expect(late).rejects.toThrow(CommandTimeoutError)
    await expect(late).rejects.toThrow(/it was killed.*started/s)
    expect(await processes('4711')).toEqual([])

    const other = containerShell({ name: 'box', container: container.id })
    const controller = new AbortController()
    const aborted = other.run({ script }, { ...within, signal: controller.signal })
    const disposed = other.run({ script }, within)
    aborted.catch(() => undefined)
    await eventually(
      async () =>
        (await processes('sleep 4711')).filter((line) => !line.includes('sh -c')).length === 2
          ? { done: true, value: true }
          : { done: false, seen: 'not both' },
      { within: '10s', every: '50ms', describe: 'both commands to start' },
    )
    controller.abort()
    await expect(aborted).rejects.toThrow(AbortedError)
    await other[Symbol.asyncDispose]()
    expect(await disposed).toMatchObject({ code: 137 })
    expect(await processes('4711')).toEqual([])
  })

  it('is root where that is asked for, whoever the container belongs to', async () => {
    const weak = await sleeper('65534')
    try {
      await using user = openShell({ name: 'weak', shell: { kind: 'container', container: weak.id } })
      expect(await user.run(['id', '-u'], within)).toMatchObject({ stdout: '65534\n' })
      expect(await user.run(['id', '-u'], { ...within, sudo: true })).toMatchObject({ stdout: '0\n' })
      await using root = openShell({ name: 'weak', shell: { kind: 'container', container: weak.id }, sudo: true })
      expect(await root.run(['id', '-u'], within)).toMatchObject({ stdout: '0\n' })
      expect(await root.run(['id', '-u'], { ...within, sudo: false })).toMatchObject({ stdout: '65534\n' })
    } finally {
      await remove(weak)
    }
  })

  it('tells a container that is not there from one that does not run, and from no Docker', async () => {
    await using nowhere = containerShell({ name: 'box', container: 'no-such-container-here' })
    const missing = await nowhere.run(['true'], within).catch((error: unknown) => error)
    expect(missing).toBeInstanceOf(HostUnreachableError)
    expect(missing).toMatchObject({ reason: 'no-container', message: expect.stringMatching(/docker ps/) })
    const stopped = await new Docker().createContainer({ Image: IMAGE, Cmd: ['true'] })
    try {
      await using shellOfStopped = containerShell({ name: 'box', container: stopped.id })
      const error = await shellOfStopped.run(['true'], within).catch((cause: unknown) => cause)
      expect(error).toMatchObject({ reason: 'no-container', message: expect.stringMatching(/not running/) })
    } finally {
      await remove(stopped)
    }
    vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent/docker.sock')
    vi.resetModules() // the client reads it once
    try {
      const fresh = await import('../../lib/hosts/index.ts')
      await using dockerless = fresh.containerShell({ name: 'box', container: 'x' })
      const error = await dockerless.run(['true'], within).catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(fresh.HostUnreachableError)
      expect(error).toMatchObject({ reason: 'no-docker', message: expect.stringMatching(/ENOENT.*DOCKER_HOST/s) })
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('loses its commands with the container', async () => {
    const doomed = await sleeper()
    await using other = containerShell({ name: 'doomed', container: doomed.id })
    const run = other.run({ script: 'echo begun; sleep 300' }, within)
    const outcome = run.then(
      (result) => `code ${result.code}`,
      (error: Error) => error.name,
    )
    await eventually(
      async () => {
        const { Processes } = (await doomed.top()) as { Processes: string[][] }
        const seen = Processes.map((line) => line.join(' ')).join('\n')
        return seen.includes('sleep 300') ? { done: true, value: true } : { done: false, seen }
      },
      { within: '10s', every: '50ms', describe: 'the command to start' },
    )
    await doomed.kill()
    // Docker may or may not still know how the command ended.
    expect(['code 137', 'ConnectionLostError']).toContain(await outcome)
  })

  describe('connects', () => {
    const server = `perl -MIO::Socket::INET -e '
      $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 8443, Listen => 9, ReuseAddr => 1) or die;
      while ($c = $s->accept) { if (fork == 0) { while (<$c>) { if (/bye/) { exit } syswrite $c, "pong " . $_ } exit } close $c }'`
    beforeAll(async () => {
      if (lackOf('docker') !== undefined) return
      await shell.run({ script: `setsid ${server} </dev/null >/dev/null 2>&1 &` }, within)
      await eventually(
        async () => {
          const { code, stderr } = await shell.run(['bash', '-c', ': </dev/tcp/127.0.0.1/8443'], within)
          return code === 0 ? { done: true, value: true } : { done: false, seen: stderr }
        },
        { within: '10s', every: '50ms', describe: 'the server' },
      )
    })

    async function talk(tool: 'bash' | 'nc'): Promise<void> {
      const socket: Duplex = await shell.connect({ host: '127.0.0.1', port: 8443 }, within)
      socket.write('one\n')
      expect(String((await once(socket, 'data'))[0])).toBe('pong one\n')
      if (tool === 'bash') {
        const ended = once(socket, 'end')
        socket.resume()
        socket.write('bye\n')
        await ended
      } else {
        socket.destroy()
      }
      const refused = await shell.connect({ host: '127.0.0.1', port: 1 }, within).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(ConnectRefusedError)
      expect(refused).toMatchObject({ details: { reason: 'refused' } })
      const second = await shell.connect({ host: '127.0.0.1', port: 8443 }, within)
      second.destroy()
      await eventually(
        async () => {
          const left = [...(await processes('/dev/tcp')), ...(await processes('nc -v'))]
          return left.length === 0 ? { done: true, value: true } : { done: false, seen: left.join('\n') }
        },
        { within: '10s', every: '50ms', describe: 'the bridges to end' },
      )
    }

    it('by bash, by nc, and says what is missing where there is neither', async () => {
      await talk('bash')
      await shell.run(['mv', '/bin/bash', '/bin/bash.away'], within)
      const nothing = await shell.connect({ host: '127.0.0.1', port: 8443 }, within).catch((error: unknown) => error)
      expect(nothing).toBeInstanceOf(CommandNotStartedError)
      expect(String(nothing)).toMatch(/bash or nc/)
      for (const [from, to] of netcat()) {
        await shell.run({ script: 'cat >"$1"; chmod 755 "$1"', args: [to] }, { ...within, stdin: readFileSync(from) })
      }
      await talk('nc')
    })
  })
})

/** The machine's nc with its libraries, and where they go in a container of the same system. */
function netcat(): [string, string][] {
  const program = realpathSync(execFileSync('sh', ['-c', 'command -v nc'], { encoding: 'utf8' }).trim())
  const libraries = [
    ...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/=> (\S*lib(?:bsd|md|resolv)\S*)/g),
  ]
  return [[program, '/usr/bin/nc'], ...libraries.map(([, path = '']): [string, string] => [path, path])]
}
