import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { eventually, Secret } from '../../lib/core/index.ts'
import { CommandTimeoutError, localShell, PrivilegeError } from '../../lib/hosts/index.ts'
import { killCommand } from '../../lib/hosts/supervise.ts'
import { lackOf, needs } from './beds/need.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const within = { within: '20s' } as const
const directory = mkdtempSync(join(tmpdir(), 'failover-sudo-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Processes whose command line holds a text. */
function processes(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter((line) => line.includes(text))
}

async function gone(text: string): Promise<void> {
  await eventually(
    async () => {
      const left = processes(text)
      return left.length === 0 ? { done: true, value: true } : { done: false, seen: left.join('\n') }
    },
    { within: '5s', every: '20ms', describe: 'the processes to end' },
  )
}

function program(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(file, text)
  chmodSync(file, 0o755)
  return file
}

/**
 * A `sh` that is run by another user, in a world with an account of that name and with these rules for sudo: this machine's own
 * accounts and rules stay as they are.
 */
function shellAs(user: string, uid: number, rule: string, hash: string): string {
  const file = (name: string, text: string, mode: number): string => {
    const path = join(directory, `${user}-${name}`)
    writeFileSync(path, text, { mode })
    return path
  }
  const passwd = file('passwd', `root:x:0:0::/root:/bin/sh\n${user}:x:${uid}:${uid}::/:/bin/sh\n`, 0o644)
  const shadow = file('shadow', `root:*:19000:0:99999:7:::\n${user}:${hash}:19000:0:99999:7:::\n`, 0o600)
  const sudoers = file('sudoers', `root ALL=(ALL) ALL\n${rule}\n`, 0o440)
  return program(
    `sh-of-${user}`,
    `#!/bin/sh
exec unshare -m sh -c '
  mount --bind ${passwd} /etc/passwd && mount --bind ${shadow} /etc/shadow && mount --bind ${sudoers} /etc/sudoers &&
  exec setpriv --reuid ${uid} --regid ${uid} --clear-groups sh "$@"' sh "$@"
`,
  )
}

describe('a local shell with sudo', () => {
  needs('sshd') // root, sudo and namespaces
  const password = new Secret('local sesame')
  const users = { free: '', asked: '', nobody: '' }
  beforeAll(() => {
    if (lackOf('sshd') !== undefined) return
    chmodSync(directory, 0o755)
    const hash = execFileSync('perl', ['-e', 'print crypt("local sesame", q($6$localsudo$))'], { encoding: 'utf8' })
    users.free = shellAs('free', 64_811, 'free ALL=(ALL) NOPASSWD: ALL', hash)
    users.asked = shellAs('asked', 64_812, 'asked ALL=(ALL) ALL', hash)
    users.nobody = shellAs('nobody', 64_813, '', hash)
  })

  it.each<['free' | 'asked', true | { password: Secret }]>([
    ['free', true],
    ['free', { password }],
    ['asked', { password }],
  ])('gives %s root, and kills what root runs at the deadline', async (user, sudo) => {
    await using shell = localShell({ sh: users[user], sudo })
    for (let count = 0; count < 2; count++) {
      const result = await shell.run({ script: 'id -u; cat; echo err >&2; exit 3' }, { ...within, stdin: 'own\ninput' })
      expect(result).toMatchObject({ code: 3, stdout: '0\nown\ninput', stderr: 'err\n' })
    }
    const late = shell.run({ script: 'sleep 4712 & echo started >&2; wait' }, { within: '1s' })
    await expect(late).rejects.toThrow(CommandTimeoutError)
    await expect(late).rejects.toThrow(/it was killed.*It had said: started/s)
    await gone('sleep 4712')
  })

  it.each<['asked' | 'nobody', true | { password: Secret }, RegExp]>([
    ['asked', true, /password is required.*NOPASSWD/s],
    ['asked', { password: new Secret('wrong sesame') }, /incorrect password.*Check the password/s],
    ['nobody', { password }, /not in the sudoers.*Let the user run all commands/s],
  ])('tells why %s gets no root', async (user, sudo, message) => {
    await using shell = localShell({ sh: users[user], sudo })
    const error = await shell.run(['cat'], { ...within, stdin: 'input' }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(PrivilegeError)
    expect(String(error)).toMatch(message)
    expect(String(error)).not.toContain('sesame')
  })

  it('ends what root runs when it is disposed of', async () => {
    const shell = localShell({ sh: users.free, sudo: true })
    const run = shell.run(['sleep', '4713'], within)
    await eventually(
      async () => (processes('sleep 4713').length > 0 ? { done: true, value: true } : { done: false, seen: 'nothing' }),
      { within: '10s', every: '20ms', describe: 'the command' },
    )
    await shell[Symbol.asyncDispose]()
    expect(await run).toMatchObject({ code: null, signal: 'SIGKILL' })
    await gone('sleep 4713')
  })

  it.each(['dash', 'bash', 'busybox'])('works where sh is %s', async (name) => {
    const sh = name === 'busybox' ? program('busybox-sh', '#!/bin/sh\nexec busybox sh "$@"\n') : name
    await using shell = localShell({ sh, sudo: true })
    const odd = ["it's", '$(id)', 'a\nb', '💥', '']
    const result = await shell.run({ script: 'printf "%s|" "$@"; cat', args: odd }, { ...within, stdin: 'own' })
    expect(result).toMatchObject({ code: 0, stdout: `${odd.map((word) => `${word}|`).join('')}own`, stderr: '' })
    const late = shell.run({ script: 'sleep 4714 & wait' }, { within: '500ms' })
    await expect(late).rejects.toThrow(/it was killed/)
    await gone('sleep 4714')
    // Killing a group: one that is gone is no failure; one that is another user's is.
    const other = spawn('sleep', ['4715'], { detached: true, stdio: 'ignore' })
    try {
      const { script, args = [] } = killCommand(other.pid ?? 0)
      const kill = ['-c', script, 'sh', ...args]
      const weak = ['--reuid', '64813', '--regid', '64813', '--clear-groups', sh, ...kill]
      await using plain = localShell()
      const refused = await plain.run(['setpriv', ...weak], within)
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/permitted/i) })
      expect(await plain.run([sh, ...kill], within)).toMatchObject({ code: 0, stderr: '' })
      await gone('sleep 4715')
      expect(await plain.run(['setpriv', ...weak], within)).toMatchObject({ code: 0, stderr: '' })
    } finally {
      other.kill('SIGKILL')
    }
  })
})
