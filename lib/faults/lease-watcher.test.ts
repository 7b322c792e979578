import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { localShell, type Shell } from '../hosts/index.ts'
import { processLives } from '../hosts/testing/process-lives.ts'
import { armLease, type LeaseOptions } from './lease.ts'
import {
  canUnshare,
  linesOf,
  marked as markedIn,
  pathOf,
  plant,
  shellThrough,
  testRoot,
  undoneBy,
  until,
  watcherOf,
} from './testing/lease-host.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const root = testRoot()
afterAll(() => rmSync(root, { recursive: true, force: true }))
const marked = (shell: Shell, more: Partial<LeaseOptions> = {}) => markedIn(root, shell, more)
const isRoot = canUnshare()

describe('the watcher', () => {
  const bin = join(root, 'no-session')
  mkdirSync(bin)
  const tools = [
    'cat',
    'cp',
    'date',
    'dirname',
    'head',
    'ln',
    'mkdir',
    'mv',
    'readlink',
    'rm',
    'sh',
    'sleep',
    'sync',
    'tail',
  ]
  for (const tool of [...tools, 'tr', 'wc', 'timeout']) plant(bin, tool, `exec ${pathOf(tool) ?? ''} "$@"`)
  const onlyThese = (more = ''): Shell => {
    // The script adds the system's directories of administration to its PATH: they must not offer another way.
    return localShell({ env: { PATH: more === '' ? bin : `${bin}:${more}` } })
  }

  it('starts through perl where there is no setsid', async () => {
    const perl = join(root, 'perl-bin')
    plant(perl, 'perl', `exec ${pathOf('perl') ?? ''} "$@"`)
    const { file, options } = marked(onlyThese(perl), { ttl: '1s' })
    const lease = await armLease(options)
    expect(lease.watcher).toBe('perl')
    lease.abandon()
    await until('the host to undo it', () => undoneBy(lease) === 'watcher')
    expect(linesOf(file)).toBe(1)
    await lease.release()
  })

  it('is what a lease is refused for where there is no way to start it', async () => {
    const { options } = marked(onlyThese())
    await expect(armLease(options)).rejects.toThrow(
      /neither a running systemd, nor setsid, nor perl.*Install setsid \(util-linux\) or perl there; nothing was changed/,
    )
    expect(existsSync(join(options.directory, options.id))).toBe(false)
  })

  /** A host that looks as if systemd ran there, with a `systemd-run` of ours. */
  const withSystemd = (systemdRun: string): { host: Shell; log: string } => {
    const planted = mkdtempSync(join(root, 'systemd-'))
    const log = join(planted, 'log')
    plant(planted, 'systemd-run', `printf '%s\\n' "$*" >>"${log}"; ${systemdRun}`)
    const looks = 'mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec "$@"'
    const host = shellThrough(
      ['unshare', '-m', '/bin/sh', '-c', looks, 'sh'],
      `${planted}:${process.env['PATH'] ?? ''}`,
    )
    return { host, log }
  }

  it.runIf(isRoot)('starts through a planted systemd-run that does what systemd would', async () => {
    const asSystemd = `while :; do case $1 in --*) shift ;; *) break ;; esac; done
      ${pathOf('setsid') ?? ''} env -i PATH=/usr/bin:/bin "$@" </dev/null >/dev/null 2>&1 &`
    const { host, log } = withSystemd(asSystemd)
    const { file, options } = marked(host, { ttl: '1500ms' })
    const lease = await armLease(options)
    expect(lease.watcher).toBe('systemd')
    const [asked] = readFileSync(log, 'utf8').split('\n')
    expect(asked).toMatch(
      /^--quiet --collect --no-ask-password --unit=failover-lease-\d+ --property=KillMode=process --setenv=PATH=\S+ sh \S+lease\.sh watch$/,
    )
    lease.abandon()
    await until('the host to undo it', () => undoneBy(lease) === 'watcher')
    expect(linesOf(file)).toBe(1)
    await lease.release()
  })

  it.runIf(isRoot)('starts through setsid where systemd-run fails, or starts nothing', async () => {
    for (const failing of ['echo "Failed to connect to bus" >&2; exit 1', 'exit 0']) {
      const { host, log } = withSystemd(failing)
      const { options } = marked(host, { ttl: '30s' })
      const lease = await armLease(options)
      expect(linesOf(log)).toBe(1)
      expect(lease.watcher).toBe('setsid')
      expect(processLives(watcherOf(lease))).toBe(true)
      await lease.undo('test', { within: '10s' })
      await lease.release()
    }
  })

  it.runIf(pathOf('systemd-run') !== undefined)(
    'asks the real systemd-run for nothing that it does not know',
    async () => {
      // Without a running systemd it gets as far as the bus: an unknown option would have stopped it before that.
      const options =
        '--quiet --collect --no-ask-password --unit=failover-x --property=KillMode=process --setenv=PATH=/bin'
      const said = await localShell().run(['systemd-run', ...options.split(' '), 'true'], { within: '20s' })
      expect(said.stderr).not.toMatch(/unrecognized|invalid option|unknown/i)
    },
  )
})
