import { readFileSync } from 'node:fs'
import { localShell, type Command, type RunOptions, type RunResult } from '../../../lib/hosts/index.ts'
import { keep } from './kept.ts'

const here = localShell({ name: 'this machine' })

const PROMPTLY = { within: '20s' } as const

/** Runs a command on this machine. */
export function runHere(command: Command, options: Partial<RunOptions> = {}): Promise<RunResult> {
  return here.run(command, { ...PROMPTLY, ...options })
}

/** Runs a command on this machine that must work. @throws Error with what it said */
export async function must(command: Command, options: Partial<RunOptions> = {}): Promise<string> {
  return outputOf(await runHere(command, options), command)
}

/** What a command that must have worked printed. @throws Error with what it said */
export function outputOf(result: RunResult, command: Command): string {
  if (result.code === 0) return result.stdout
  const said = `${result.stderr}${result.stdout}`.trim()
  throw new Error(`${'script' in command ? command.script : command.join(' ')} ended with ${result.code}: ${said}`)
}

/** Namespaces of this machine's kernel, kept by a process in them. They are gone when it is. */
export interface Namespaces extends AsyncDisposable {
  /** Of a process inside, as this machine counts. */
  readonly pid: number
  run(command: Command, options?: Partial<RunOptions>): Promise<RunResult>
  /** @throws Error with what the command said if it failed */
  must(command: Command, options?: Partial<RunOptions>): Promise<string>
}

/**
 * A machine of its own as far as the kernel can make one without a container: own network, processes, mounts (with /run, /tmp,
 * /mnt and the users being its own) and name, on the disk of this machine.
 * @param users lines to be added to /etc/passwd, /etc/shadow and sudoers
 */
export async function startMachine(
  hostname: string,
  users: { readonly passwd: string; readonly shadow: string; readonly sudoers: string },
): Promise<Namespaces> {
  const unshare = ['unshare', '--net', '--pid', '--mount', '--uts', '--ipc', '--fork', '--kill-child', '--mount-proc']
  const kept = await keep(
    [...unshare, 'bash', '-c', MACHINE, 'machine', hostname, users.passwd, users.shadow, users.sudoers],
    { readyLine: 'ready', within: '20s' },
  )
  const pid = Number(readFileSync(`/proc/${kept.pid}/task/${kept.pid}/children`, 'utf8').trim())
  return entered(pid, ['-n', '-p', '-m', '-u', '-i'], async () => kept[Symbol.asyncDispose]())
}

/** A network namespace and nothing else. */
export async function startNetwork(): Promise<Namespaces> {
  const kept = await keep(['unshare', '--net', 'sh', '-c', 'echo ready; exec sleep infinity'], {
    readyLine: 'ready',
    within: '20s',
  })
  return entered(kept.pid, ['-n'], async () => kept[Symbol.asyncDispose]())
}

function entered(pid: number, flags: readonly string[], dispose: () => Promise<void>): Namespaces {
  const inside = (command: Command): readonly string[] => [
    ...['nsenter', '-t', String(pid), ...flags, '--'],
    ...('script' in command ? ['sh', '-c', command.script, 'sh', ...(command.args ?? [])] : command),
  ]
  const run: Namespaces['run'] = (command, options) => runHere(inside(command), options)
  return {
    pid,
    run,
    must: async (command, options) => outputOf(await run(command, options), command),
    [Symbol.asyncDispose]: dispose,
  }
}

/** The first process of a machine. It ignores SIGCHLD, so that orphans do not stay as zombies. */
const MACHINE = `set -e
hostname "$1"
mount -t tmpfs -o mode=755,size=64m run /run
mount -t tmpfs -o mode=1777,size=256m tmp /tmp
mount -t tmpfs -o mode=755,size=1m mnt /mnt
mkdir -p /run/bed /run/sshd /run/lock /run/home /mnt/state /mnt/snapshots
mount -t tmpfs -o mode=700,size=32m state /mnt/state
mount -t tmpfs -o mode=755,size=32m snapshots /mnt/snapshots
{ cat /etc/passwd; printf '%s' "$2"; } >/run/bed/passwd
# A locked root cannot log in, not even by key.
{ grep -v '^root:' /etc/shadow; printf 'root:*:19000:0:99999:7:::\\n%s' "$3"; } >/run/bed/shadow
chmod 600 /run/bed/shadow
printf '127.0.0.1 localhost %s\\n::1 localhost %s\\n' "$1" "$1" >/run/bed/hosts
mount --bind /run/bed/hosts /etc/hosts
mount --bind /run/bed/passwd /etc/passwd
mount --bind /run/bed/shadow /etc/shadow
printf '%s' "$2" | while IFS=: read -r user _ uid gid _ home _; do mkdir -p "$home"; chown "$uid:$gid" "$home"; done
if [ -d /etc/sudoers.d ]; then
  mount -t tmpfs -o mode=755,size=1m sudoers /etc/sudoers.d
  printf '%s' "$4" >/etc/sudoers.d/bed
  chmod 440 /etc/sudoers.d/bed
fi
for conf in all default; do
  echo 0 >/proc/sys/net/ipv6/conf/$conf/accept_dad
  echo 0 >/proc/sys/net/ipv6/conf/$conf/accept_ra
done
ip link set lo up
trap '' CHLD
echo ready
exec sleep infinity`
