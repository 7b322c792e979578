import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { AbortedError, eventually, now } from '../../lib/core/index.ts'
import {
  CommandNotStartedError,
  CommandTimeoutError,
  ConnectionLostError,
  openShell,
  sshShell,
  surveyTools,
  whoAmI,
  type Shell,
} from '../../lib/hosts/index.ts'
import { needs, needsBed } from './beds/need.ts'
import { startSshdBed } from './beds/sshd.ts'
import { startLoopbackSshd } from './loopback-sshd.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** A script that starts a grandchild and waits for ever; `$1` is its name in the list of processes. */
const FAMILY = 'sh -c "sleep 300; : $1" & sleep 301 & echo started >&2; wait'

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...`'"\`$\\\n\r\t !*?~#&|;<>()[]{}=-%é💥`), maxLength: 40 }),
)
const words = fc.array(
  hostile.map((text) => Buffer.from(text.replaceAll('\0', '')).toString()),
  { minLength: 1, maxLength: 8 },
)

describe('commands over SSH', () => {
  const bed = needsBed('sshd', startSshdBed)

  /** Lines of the process list of machine a that hold a text. */
  async function processes(text: string): Promise<string[]> {
    const { stdout } = await bed().exec('a', ['ps', 'axww', '-o', 'pid,args'])
    return stdout.split('\n').filter((line) => line.includes(text))
  }

  async function gone(text: string): Promise<void> {
    await eventually(
      async () => {
        const left = await processes(text)
        return left.length === 0 ? { done: true, value: true } : { done: false, seen: left.join('\n') }
      },
      { within: '5s', every: '50ms', describe: 'the processes to end' },
    )
  }

  it('tells output, exit code, signal and the time bounds', async () => {
    await using shell = openShell(bed().hosts.a)
    await shell.run(['true'], { within: '20s' })
    const before = now()
    const result = await shell.run({ script: 'cat; echo oops >&2; exit 3' }, { within: '10s', stdin: 'héllo' })
    expect(result).toMatchObject({ code: 3, signal: null, stdout: 'héllo', stderr: 'oops\n', truncated: false })
    expect(result.sentAt).toBeGreaterThanOrEqual(before)
    expect(result.doneAt).toBeGreaterThan(result.sentAt)
    expect(result.doneAt).toBeLessThanOrEqual(now())
    expect(await shell.run({ script: 'kill -TERM $$' }, { within: '10s' })).toMatchObject({
      code: null,
      signal: 'SIGTERM',
    })
    expect(await shell.run(['no-such-program-here'], { within: '10s' })).toMatchObject({ code: 127 })
  })

  it('hands any argument over as it was given', async () => {
    await using shell = openShell(bed().hosts.a)
    await fc.assert(
      fc.asyncProperty(words, async (args) => {
        const [direct, script] = await Promise.all([
          shell.run(['printf', '%s\\0', ...args], { within: '20s' }),
          shell.run({ script: 'printf \'%s\\0\' "$@"', args }, { within: '20s' }),
        ])
        await shell.warm?.({ shells: 1, within: '20s' })
        const ready = await shell.run(['printf', '%s\\0', ...args], { within: '20s' })
        expect(direct.stdout.split('\0').slice(0, -1)).toEqual(args)
        expect(script.stdout).toBe(direct.stdout)
        expect(ready.stdout).toBe(direct.stdout)
      }),
      { numRuns: 40 },
    )
  })

  it('carries 5 MB of anything in and out', async () => {
    await using shell = openShell(bed().hosts.a)
    const data = randomBytes(5_000_000)
    const limits = { within: '30s', outputLimit: 6_000_000, encoding: 'latin1', stdin: data } as const
    const echoed = await shell.run(['cat'], limits)
    expect(Buffer.from(echoed.stdout, 'latin1').equals(data)).toBe(true)
    const sum = await shell.run(['sha256sum'], limits)
    expect(sum.stdout).toContain(createHash('sha256').update(data).digest('hex'))
    expect(await shell.run(['true'], limits)).toMatchObject({ code: 0 })
    const cut = await shell.run(['cat'], { ...limits, outputLimit: 1000 })
    expect(cut).toMatchObject({ code: 0, truncated: true })
    expect(cut.stdout).toHaveLength(1000)
  })

  it.each(['root', 'deploy', 'careful'] as const)(
    'kills the whole process group of %s at the deadline',
    async (user) => {
      await using shell = openShell(user === 'root' ? bed().hosts.a : bed().hostAs(user, 'a'))
      await shell.run(['true'], { within: '20s' })
      const name = `family-${user}`
      const run = shell.run({ script: FAMILY, args: [name] }, { within: '2s' })
      run.catch(() => undefined)
      await eventually(
        async () =>
          (await processes(name)).some((line) => line.includes('sleep'))
            ? { done: true, value: true }
            : { done: false, seen: 'nothing' },
        { within: '5s', every: '50ms', describe: 'the command to start' },
      )
      await expect(run).rejects.toThrow(CommandTimeoutError)
      await expect(run).rejects.toThrow(/2\.00s.*in vain; it was killed.*It had said: started/s)
      await gone(name)
      expect(await processes('sleep 30')).toEqual([])
      expect(await shell.run(['id', '-u'], { within: '10s' })).toMatchObject({ stdout: '0\n' })
    },
  )

  it('kills on abort and on disposal', async () => {
    const shell = openShell(bed().hosts.a)
    const controller = new AbortController()
    const aborted = shell.run({ script: FAMILY, args: ['aborted'] }, { within: '60s', signal: controller.signal })
    const disposed = shell.run({ script: FAMILY, args: ['disposed'] }, { within: '60s' })
    aborted.catch(() => undefined)
    await eventually(
      async () => {
        // The shells have it among their arguments, too.
        const sleeps = (await processes('sleep 301')).filter((line) => line.endsWith(' sleep 301'))
        return sleeps.length === 2 ? { done: true, value: true } : { done: false, seen: sleeps.join('; ') }
      },
      { within: '10s', every: '50ms', describe: 'both commands to start' },
    )
    controller.abort()
    await expect(aborted).rejects.toThrow(AbortedError)
    await gone('aborted')
    await shell[Symbol.asyncDispose]()
    expect(await disposed).toMatchObject({ code: null, signal: 'SIGKILL' })
    await gone('disposed')
    await expect(shell.run(['true'], { within: '1s' })).rejects.toThrow(/disposed of/)
  })

  it('leaves alone what left the group, whose output goes elsewhere', async () => {
    await using shell = openShell(bed().hosts.a)
    const script = 'setsid sleep 77 </dev/null >/dev/null 2>&1 & echo $!; wait'
    await expect(shell.run({ script }, { within: '1s' })).rejects.toThrow(CommandTimeoutError)
    const daemon = await processes('sleep 77')
    expect(daemon.filter((line) => !line.includes('setsid'))).toHaveLength(1)
    await bed().exec('a', ['pkill', '-f', 'sleep 77'])
  })

  it('is told what the host has, and who we are there', async () => {
    await using shell = openShell(bed().hostAs('deploy', 'a'))
    const tools = await surveyTools(shell, ['nft', 'tc', 'no-such-tool', 'cd'], { within: '10s' })
    expect(tools).toEqual({ nft: '/usr/sbin/nft', tc: '/usr/sbin/tc', 'no-such-tool': undefined, cd: 'cd' })
    const login = await whoAmI(shell, { within: '10s' })
    expect(login).toMatchObject({ user: 'deploy', ssh: { server: { port: 22 } } })
    expect(login.uid).toBeGreaterThan(0)
    await expect(surveyTools(shell, ['a b'], { within: '1s' })).rejects.toThrow(/no tool's name/)
  })

  it('says when the login shell runs nothing', async () => {
    await using server = await startLoopbackSshd({ config: 'ForceCommand echo "not today"; exit 9' })
    await using shell = sshShell({ ...server.settings, name: 'forced' })
    const run = shell.run(['id'], { within: '20s' })
    await expect(run).rejects.toThrow(CommandNotStartedError)
    await expect(run).rejects.toThrow(/forced.*code 9.*not today.*login shell/s)
  })

  it('a connection that falls silent ends by its keepalive; what was under way is not known', async () => {
    const host = bed().hosts.b
    if (host.shell.kind !== 'ssh') throw new Error('the bed has SSH')
    await using shell = sshShell({ ...host.shell, name: host.name, keepalive: '200ms', connectWithin: '2s' })
    await shell.run(['true'], { within: '20s' })
    await bed().cutManagement('b')
    try {
      const began = now()
      const lost = await shell.run(['true'], { within: '30s' }).catch((error: unknown) => error)
      // The channel may or may not have been open when the cable was pulled: here it was not, so nothing was sent.
      expect(lost).toBeInstanceOf(Error)
      expect(now() - began).toBeLessThan(10_000)
    } finally {
      await bed().restoreManagement('b')
    }
    expect(await shell.run(['echo', 'back'], { within: '20s' })).toMatchObject({ stdout: 'back\n' })

    const started = shell.run({ script: 'echo x; sleep 300' }, { within: '30s' })
    started.catch(() => undefined)
    await shell.run(['true'], { within: '20s' })
    await bed().cutManagement('b')
    try {
      const error = await started.catch((cause: unknown) => cause)
      expect(error).toBeInstanceOf(ConnectionLostError)
      expect(error).toMatchObject({ underWay: true, message: expect.stringMatching(/no sign of life.*not known/) })
    } finally {
      await bed().restoreManagement('b')
    }
  })

  it('a command under way when sshd dies is indeterminate; the next one connects anew', async () => {
    await using shell = openShell(bed().hosts.b)
    const run = shell.run({ script: 'echo begun; sleep 300' }, { within: '30s' })
    run.catch(() => undefined)
    const idle = await shell.connect({ host: '127.0.0.1', port: bed().ports.data }, { within: '20s' })
    const lost = new Promise<unknown>((resolve) => idle.once('error', resolve))
    await bed().killSshd('b')
    const error = await run.catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ConnectionLostError)
    expect(error).toMatchObject({ underWay: true, code: 'FAILOVER_CONNECTION_LOST' })
    expect(await lost).toBeInstanceOf(ConnectionLostError)
    await bed().startSshd('b')
    expect(await shell.run(['echo', 'back'], { within: '20s' })).toMatchObject({ stdout: 'back\n' })
  })
})

describe('sessions over SSH', () => {
  needs('sshd')

  it('twenty commands share two sessions, in the order they came', async () => {
    await using server = await startLoopbackSshd({ config: 'MaxSessions 2' })
    await using shell = sshShell({ ...server.settings, name: 'narrow' })
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        shell.run({ script: 'sleep 0.02; echo "$1"', args: [String(index)] }, { within: '50s' }),
      ),
    )
    expect(results.map(({ stdout }) => stdout.trim())).toEqual(Array.from({ length: 20 }, (_, index) => String(index)))
    expect(server.log()).toMatch(/no more sessions/)
    expect(server.log().match(/Accepted publickey/g)).toHaveLength(1)
    expect(mostAtOnce(results)).toBeLessThanOrEqual(2)
  })

  it('short commands go on beside a long one', async () => {
    await using server = await startLoopbackSshd({ config: 'MaxSessions 2' })
    await using shell = sshShell({ ...server.settings, name: 'narrow' })
    const controller = new AbortController()
    const long = shell.run(['sleep', '300'], { within: '60s', signal: controller.signal })
    long.catch(() => undefined)
    for (let count = 0; count < 30; count++) {
      expect(await shell.run(['echo', String(count)], { within: '5s' })).toMatchObject({ stdout: `${count}\n` })
    }
    controller.abort()
    await expect(long).rejects.toThrow(AbortedError)
  })

  it('kills at the deadline although there is no session left to do it with', async () => {
    await using server = await startLoopbackSshd({ config: 'MaxSessions 1' })
    await using shell: Shell = sshShell({ ...server.settings, name: 'single' })
    const run = shell.run({ script: 'sleep 4711; :' }, { within: '1500ms' })
    await expect(run).rejects.toThrow(/in vain; it was killed/)
    const { stdout } = await shell.run({ script: 'ps axww -o args | grep "[s]leep 4711" || :' }, { within: '20s' })
    expect(stdout).toBe('')
    expect(await shell.run(['echo', 'next'], { within: '20s' })).toMatchObject({ stdout: 'next\n' })
  })

  it('a command that waits for a session in vain says so, and is not run later', async () => {
    await using server = await startLoopbackSshd({ config: 'MaxSessions 1' })
    await using shell = sshShell({ ...server.settings, name: 'single' })
    const long = shell.run(['sleep', '3'], { within: '20s' })
    const run = shell.run(['touch', '/nonexistent/never'], { within: '1s' })
    const error = await run.catch((cause: unknown) => cause)
    expect(error).toMatchObject({ details: { sent: false }, message: expect.stringMatching(/waiting for the server/) })
    expect(await long).toMatchObject({ code: 0 })
  })

  it('a server that allows no session at all is an error, not a wait', async () => {
    await using server = await startLoopbackSshd({ config: 'MaxSessions 0' })
    await using shell = sshShell({ ...server.settings, name: 'closed' })
    const runs = Array.from({ length: 5 }, () => shell.run(['true'], { within: '30s' }))
    for (const run of await Promise.allSettled(runs)) {
      expect(run).toMatchObject({ status: 'rejected', reason: expect.any(CommandNotStartedError) })
      expect(String((run as PromiseRejectedResult).reason)).toMatch(/closed.*refuses to run commands.*MaxSessions/s)
    }
  })
})

/** How many of the commands were certainly running at the same time. */
function mostAtOnce(results: readonly { readonly sentAt: number; readonly doneAt: number }[]): number {
  // A command's sleep lies inside its bounds; those that overlap by more than a sleep's length cannot have taken turns.
  return Math.max(
    ...results.map(
      ({ sentAt }) => results.filter((other) => other.sentAt <= sentAt && other.doneAt > sentAt + 40).length,
    ),
  )
}
