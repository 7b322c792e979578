import { FailoverError, type Duration } from '../core/index.ts'
import type { RunResult, Shell, SocketAddress } from './shell.ts'

/** Options of a look at a host. */
export interface SurveyOptions {
  readonly within: Duration
  readonly signal?: AbortSignal | undefined
  /** As {@link RunOptions.sudo}: root's path may differ. */
  readonly sudo?: boolean
}

/** Paths, administrators' directories included, then what the shell itself brings (applets of busybox). */
const FIND = [
  'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; failover_i=$IFS',
  'for failover_n; do',
  '  failover_p=; IFS=:',
  '  for failover_d in $PATH; do',
  '    if [ -f "$failover_d/$failover_n" ] && [ -x "$failover_d/$failover_n" ]; then failover_p=$failover_d/$failover_n; break; fi',
  '  done',
  '  IFS=$failover_i',
  '  [ -n "$failover_p" ] || failover_p=$(command -v "$failover_n")',
  '  printf "%s\\n" "$failover_p"',
  'done',
].join('\n')

/**
 * Where each tool is on a host: its path, the bare name if only the shell there has it, undefined if there is none. One command.
 * @throws FailoverError if the host's shell could not look; and what {@link Shell.run} throws
 */
export async function surveyTools<const Names extends readonly string[]>(
  shell: Shell,
  names: Names,
  options: SurveyOptions,
): Promise<Record<Names[number], string | undefined>> {
  for (const name of names) {
    if (!/^\w[\w.+-]*$/.test(name))
      throw new FailoverError('FAILOVER_HOST', `${JSON.stringify(name)} is no tool's name.`)
  }
  const lines = linesOf(await shell.run({ script: FIND, args: names }, options), names.length, shell.name)
  const found = names.map((name, index) => [name, lines[index] || undefined])
  return Object.fromEntries(found) as Record<Names[number], string | undefined>
}

/** Who a shell is on its host, without sudo. */
export interface Login {
  readonly uid: number
  readonly user: string
  /** The SSH connection as the host sees it; undefined if the shell has none. */
  readonly ssh: { readonly client: SocketAddress; readonly server: SocketAddress } | undefined
}

/** Who we are on a host, and the addresses of the connection that we use: what no fault there may touch. One command. */
export async function whoAmI(shell: Shell, options: Omit<SurveyOptions, 'sudo'>): Promise<Login> {
  const script = 'id -u; id -un 2>/dev/null || echo; printf "%s\\n" "$SSH_CONNECTION"'
  const [uid = '', user = '', connection = ''] = linesOf(
    await shell.run({ script }, { ...options, sudo: false }),
    3,
    shell.name,
  )
  const [client, clientPort, server, serverPort] = connection.split(' ')
  return {
    uid: Number(uid),
    user,
    ssh:
      client && server
        ? { client: { host: client, port: Number(clientPort) }, server: { host: server, port: Number(serverPort) } }
        : undefined,
  }
}

function linesOf({ code, stdout, stderr }: RunResult, count: number, name: string): string[] {
  const lines = stdout.split('\n')
  if (lines.length > count) return lines
  throw new FailoverError('FAILOVER_HOST', `Looking around on ${name} failed with code ${code}: ${stderr.trim()}`)
}
