import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { messageOf } from '../../../lib/core/index.ts'
import { requireOrSkip } from '../../../lib/vitest/capabilities.ts'
import { SYSTEMD_IMAGE } from './systemd.ts'

/** What a test may need of the machine it runs on. `.ci/machine` provides each; `systemd` is an image with it, logind and sshd. */
export type Need = 'sshd' | 'docker' | 'systemd' | 'vm'

/** Where `.ci/machine vm` puts the VM's files. */
export const VM_CACHE = process.env['VM_BED_CACHE'] ?? '/var/cache/failover-vm'

/** Throws, with a message that says what is missing. */
const CHECKS: Readonly<Record<Need, () => void>> = {
  sshd() {
    asRoot()
    programs('/usr/sbin/sshd', 'ip', 'nft', 'iptables', 'tc', 'unshare', 'nsenter', 'perl', 'pkill', 'sudo')
    execFileSync('unshare', ['--net', '--pid', '--mount', '--uts', '--fork', '--mount-proc', 'true'], { stdio: 'pipe' })
  },
  docker() {
    programs('docker')
    execFileSync('docker', ['info'], { stdio: 'pipe' })
  },
  systemd() {
    const parts =
      '[ -x /lib/systemd/systemd ] && [ -x /usr/sbin/sshd ] && grep -q pam_systemd /etc/pam.d/common-session'
    execFileSync('docker', ['run', '--rm', SYSTEMD_IMAGE, 'sh', '-c', parts], { stdio: 'pipe' })
  },
  vm() {
    programs('qemu-system-x86_64', 'cpio', 'mkfs.ext4')
    for (const file of ['vmlinuz', 'root.cpio.gz']) accessSync(join(VM_CACHE, file))
  },
}

const known = new Map<Need, string | undefined>()

/** Why this machine cannot do something; undefined if it can. */
export function lackOf(need: Need): string | undefined {
  if (!known.has(need)) {
    let lack: string | undefined
    try {
      CHECKS[need]()
    } catch (error) {
      lack = `${messageOf(error).trim()} (.ci/machine ${need === 'systemd' ? 'docker' : need} provides it)`
    }
    known.set(need, lack)
  }
  return known.get(need)
}

/**
 * Says what the tests of a file, or of a `describe`, need. Where the machine lacks it they are skipped, with the reason; where
 * `FAILOVER_REQUIRE` names it, they fail.
 * @example
 * describe('a shell over SSH', () => {
 *   const bed = needsBed('sshd', startSshdBed)
 *   it('runs commands', async () => { … bed().hosts.a … })
 * })
 */
export function needs(...all: readonly Need[]): void {
  beforeEach((context) => {
    for (const need of all) {
      const lack = lackOf(need)
      if (lack !== undefined) requireOrSkip(context, need, lack)
    }
  })
}

/**
 * Needs a bed ({@link needs}), which is started before the tests and ended after them.
 * @returns gives the bed, in tests and in hooks of theirs
 */
export function needsBed<B extends AsyncDisposable>(need: Need | readonly Need[], start: () => Promise<B>): () => B {
  const all: readonly Need[] = typeof need === 'string' ? [need] : need
  const lacks = (): readonly string[] => all.flatMap((one) => lackOf(one) ?? [])
  needs(...all)
  let bed: B | undefined
  beforeAll(async () => {
    if (lacks().length === 0) bed = await start()
  })
  afterAll(async () => {
    await bed?.[Symbol.asyncDispose]()
  })
  return () => {
    if (bed === undefined) throw new Error(`There is no bed: ${lacks()[0] ?? 'its tests are not running'}.`)
    return bed
  }
}

function asRoot(): void {
  if (process.getuid?.() !== 0) throw new Error('this user is not root')
}

function programs(...names: readonly string[]): void {
  const missing = names.filter((name) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name]).status !== 0)
  if (missing.length > 0) throw new Error(`there is no ${missing.join(', no ')}`)
}
