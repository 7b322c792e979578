import { readdirSync, readlinkSync } from 'node:fs'
import type { HostSettings } from '../../../lib/hosts/index.ts'
import type { Bed, MachineName } from './bed.ts'
import { runOverSsh } from './plain-ssh.ts'

export { loggedIn } from './plain-ssh.ts'

/** What a command says over an SSH connection of its own: code and both streams. */
export async function execOverSsh(host: HostSettings, command: string): Promise<{ code: number | null; said: string }> {
  const { code, stdout, stderr } = await runOverSsh(host, command)
  return { code, said: `${stdout}${stderr}` }
}

/** Says a line to a port from a machine and gives the first line of the answer. */
export async function say(bed: Bed, from: MachineName, host: string, port: number, line: string): Promise<string> {
  const script = 'exec 3<>"/dev/tcp/$1/$2" && printf "%s\\n" "$3" >&3 && IFS= read -r -t 3 answer <&3 && echo "$answer"'
  const run = await bed.exec(from, ['bash', '-c', script, 'bash', host, String(port), line])
  return run.code === 0 ? run.stdout.trim() : `code ${run.code}: ${run.stderr.trim()}`
}

/** The network namespaces of a bed's machines, as this machine's kernel calls them. */
export async function namespacesOf(bed: Bed): Promise<readonly string[]> {
  const links = await Promise.all(
    (['a', 'b'] as const).map(async (name) => (await bed.exec(name, ['readlink', '/proc/self/ns/net'])).stdout.trim()),
  )
  return [...new Set(links)]
}

/** Pids of this machine that are in one of some network namespaces. */
export function processesIn(namespaces: readonly string[]): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return namespaces.includes(readlinkSync(`/proc/${pid}/ns/net`))
    } catch {
      // It has ended since, or is a zombie: that has no namespaces.
      return false
    }
  })
}

/** Milliseconds that a line and its answer take on a connection that is open already, by the clock of the machine that asks. */
export async function roundTripMs(bed: Bed, from: MachineName, host: string, port: number): Promise<number> {
  const script = `exec 3<>"/dev/tcp/$1/$2" && echo first >&3 && read -r answer <&3 || exit 1
start=$EPOCHREALTIME
echo second >&3 && read -r answer <&3 || exit 1
end=$EPOCHREALTIME
echo $((\${end/./} - \${start/./}))`
  const run = await bed.exec(from, ['bash', '-c', script, 'bash', host, String(port)])
  if (run.code !== 0) throw new Error(`${host}:${port} does not answer ${from}: ${run.stderr}`)
  return Number(run.stdout) / 1000
}
