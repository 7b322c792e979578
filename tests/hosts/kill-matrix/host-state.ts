import type { RunResult } from '../../../lib/hosts/index.ts'

/** What faults can change on a host, as text by part: equal before and after, or something was left behind. */
export type HostState = Readonly<Record<string, string>>

/** Runs a script on a host, past all faults. */
export type Exec = (script: string) => Promise<Pick<RunResult, 'code' | 'stdout' | 'stderr'>>

/**
 * Counters move by themselves, so they are left out; everything else is as the tools print it. A part whose tool the host lacks
 * is empty before and after.
 */
const STATE = String.raw`
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH
part() { printf '\n@@ %s\n' "$1"; }
part nft; nft -s list ruleset 2>/dev/null
part iptables; iptables-save 2>/dev/null | sed -e '/^#/d' -e 's/\[[0-9]*:[0-9]*\]//'
part ip6tables; ip6tables-save 2>/dev/null | sed -e '/^#/d' -e 's/\[[0-9]*:[0-9]*\]//'
part qdisc; tc qdisc show 2>/dev/null
part filter; for device in /sys/class/net/*; do tc filter show dev "\${device##*/}" 2>/dev/null; done
part rule; ip rule 2>/dev/null
part route; ip route show table all 2>/dev/null | grep -v '^fe80\|^multicast\|^ff00\|^anycast' | sed 's/ expires [0-9]*sec//; s/ linkdown//' | sort
part link; ip -o link 2>/dev/null | # the cable of mgmt0 is pulled by the trials themselves
  sed -e 's/ qlen [0-9]*//' -e '/: mgmt0[@:]/{s/NO-CARRIER,//;s/,LOWER_UP//;s/ state [A-Z]*//;}'
part mounts; cut -d ' ' -f 1-4 /proc/mounts | grep -v ' /var/lib/docker/\| /run/docker/'
part limits; set --; for comm in /proc/[0-9]*/comm; do # those of sessions are the server's, and come and go
  read -r name <"$comm" || continue
  case $name in sshd* | sudo | sh | bash | dash) ;; *) set -- "$@" "\${comm%comm}limits" ;; esac
done 2>/dev/null; grep -h '^Max open files' "$@" /dev/null 2>/dev/null | sort -u
part snapshots; stat -c '%a %u %i' /mnt/snapshots 2>/dev/null
part stopped; for stat in /proc/[0-9]*/stat; do
  read -r line <"$stat" || continue
  rest=\${line##*) }; case $rest in [Tt]*) printf '%s\n' "\${line%%)*}" ;; esac
done 2>/dev/null
part workers; for cmdline in $(grep -la -e failover-worker -e '/lease\.sh' /proc/[0-9]*/cmdline 2>/dev/null); do
  tr '\0' ' ' <"$cmdline" | grep -a 'failover-worker\|/lease\.sh watch' | grep -v grep
done 2>/dev/null
`.replaceAll('\\$', '$')

/** Reads the state of a host. */
export async function hostState(exec: Exec): Promise<HostState> {
  const { code, stdout, stderr } = await exec(STATE)
  if (!stdout.includes('@@ workers')) throw new Error(`The state of the host could not be read (${code}): ${stderr}`)
  const parts = stdout.split('\n@@ ').slice(1)
  return Object.fromEntries(
    parts.map((part) => {
      const end = part.indexOf('\n')
      return [part.slice(0, end), part.slice(end + 1).trim()]
    }),
  )
}

/** What differs between two states, for people; empty if nothing does. */
export function differences(before: HostState, after: HostState): readonly string[] {
  return Object.keys(before).flatMap((part) => {
    if (before[part] === after[part]) return []
    const lines = (text: string | undefined): Set<string> => new Set((text ?? '').split('\n'))
    const was = lines(before[part])
    const is = lines(after[part])
    const more = [...is].filter((line) => !was.has(line)).map((line) => `+ ${line}`)
    const less = [...was].filter((line) => !is.has(line)).map((line) => `- ${line}`)
    return [`${part}: ${[...more, ...less].join(' | ') || 'the order differs'}`]
  })
}
