import { quote } from '../../../hosts/index.ts'

const PROLOGUE = String.raw`
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL
`

/**
 * Tries each kind of queueing discipline and filter on the device `$2` with the tc `$1`; prints `kind<TAB>name<TAB>yes`, or what
 * the kernel said in place of yes.
 */
const TRY_KINDS = String.raw`${PROLOGUE}
tc=$1 dev=$2
try() {
  name=$1; shift
  if said=$("$tc" "$@" 2>&1); then printf 'kind\t%s\tyes\n' "$name"; return 0; fi
  said=$(printf '%s' "$said" | tr '\n\t' '  ')
  printf 'kind\t%s\t%s\n' "$name" "\${said:-refused}"; return 1
}
if try htb qdisc add dev "$dev" root handle fa00: htb default 0 direct_qlen 1000; then
  "$tc" class add dev "$dev" parent fa00: classid fa00:1 htb rate 32gbit
  try u32 filter add dev "$dev" parent fa00: protocol ip pref 1 u32 match ip dst 192.0.2.1/32 match ip dport 1 0xffff flowid fa00:1
  "$tc" qdisc del dev "$dev" root handle fa00:
else printf 'kind\tu32\twas not tried\n'; fi
try netem qdisc add dev "$dev" root handle fa00: netem delay 1ms && "$tc" qdisc del dev "$dev" root handle fa00:
try tbf qdisc add dev "$dev" root handle fa00: tbf rate 1mbit burst 5000b latency 100ms && "$tc" qdisc del dev "$dev" root handle fa00:
try blackhole qdisc add dev "$dev" root handle fa00: blackhole && "$tc" qdisc del dev "$dev" root handle fa00:
exit 0
`.replaceAll('\\$', '$')

/** Prints what is on interfaces: rows `interface`, `qdisc`, `filter`, or `missing`. */
const SHOW = String.raw`for dev; do
  link=$("$ip" -o link show dev "$dev" 2>&1) || { printf 'missing\t%s\n' "$dev"; continue; }
  printf 'interface\t%s\t%s\n' "$dev" "$(printf '%s' "$link" | tr '\n\t' '  ')"
  "$tc" qdisc show dev "$dev" 2>&1 | while IFS= read -r line; do printf 'qdisc\t%s\t%s\n' "$dev" "$line"; done
  "$tc" filter show dev "$dev" 2>&1 | while IFS= read -r line; do printf 'filter\t%s\t%s\n' "$dev" "$line"; done
done
`.replaceAll('\\$', '$')

/** Prints what is on interfaces: `$1` tc, `$2` ip, then the interfaces. See {@link SURVEY_TC} for the rows. */
export const SHOW_TREES = `${PROLOGUE}
tc=$1 ip=$2; shift 2
${SHOW}echo end
`

/**
 * Looks at what faults by tc must know: the kinds that the kernel has, and interfaces. Arguments: tc, ip, interfaces. The kinds are
 * tried in a network namespace that is gone at once, or, where none may be made, on a device that is made for it; never on one
 * that is there. Rows of tab-separated fields: `kind`, `default`, `interface`, `qdisc`, `filter`, `end`.
 */
export const SURVEY_TC = String.raw`${PROLOGUE}
tc=$1 ip=$2; shift 2
kinds=${quote(TRY_KINDS)}
if unshare -n true 2>/dev/null; then unshare -n sh -c "$kinds" sh "$tc" lo
else
  # Its own variable: what is looked at below goes by the name dev, and must not be what the trap takes away.
  made=fofail$$
  trap '"$ip" link del "$made" 2>/dev/null' EXIT
  for type in dummy veth ifb bridge; do
    said=$("$ip" link add "$made" type $type 2>&1) && break
  done
  if "$ip" link show dev "$made" >/dev/null 2>&1; then sh -c "$kinds" sh "$tc" "$made"
  else printf 'untried\t%s\n' "$(printf '%s' "$said" | tr '\n\t' '  ')"; fi
fi
default=
read -r default 2>/dev/null </proc/sys/net/core/default_qdisc
printf 'default\t%s\n' "$default"
${SHOW}echo end
`.replaceAll('\\$', '$')

/** Builds all trees of a host in one call of tc: `$1` is tc, the rest are its lines. */
export const BUILD = `tc=$1; shift; printf '%s\\n' "$@" | "$tc" -batch -`

/**
 * Takes the trees of a fault away: `$1` tc, `$2` ip, `$3` handle of the root, then pairs: interface, and the length of its transmit
 * queue before where adding a discipline changes it (0), else nothing. An interface that is gone took its tree with it; what has
 * another handle stays.
 */
export const TAKE_AWAY = String.raw`
tc=$1 ip=$2 root=$3; shift 3
LC_ALL=C; export LC_ALL
failed=0
mine() { "$tc" qdisc show dev "$dev" 2>/dev/null | grep -q "^qdisc htb $root: .*root"; }
while [ $# -gt 0 ]; do
  dev=$1 length=$2; shift 2
  "$ip" link show dev "$dev" >/dev/null 2>&1 || { echo "$dev is gone, and what was on it"; continue; }
  if mine; then "$tc" qdisc del dev "$dev" root handle "$root:"; fi
  if mine; then failed=1; continue; fi
  [ -z "$length" ] || "$ip" link set dev "$dev" txqueuelen "$length" || failed=1
done
exit $failed
`

/**
 * Reads figures: `$1` tc, then interfaces. Rows: `uptime<TAB>seconds`, `tc<TAB>interface<TAB>line`, `file<TAB>name<TAB>line`
 * of /proc/net/snmp, snmp6 and netstat.
 */
export const READ_FIGURES = String.raw`
tc=$1; shift
read -r up rest </proc/uptime
printf 'uptime\t%s\n' "$up"
for dev; do
  "$tc" -s qdisc show dev "$dev" 2>&1 | while IFS= read -r line; do printf 'tc\t%s\t%s\n' "$dev" "$line"; done
done
for name in snmp snmp6 netstat; do
  [ -r "/proc/net/$name" ] || continue
  while IFS= read -r line; do printf 'file\t%s\t%s\n' "$name" "$line"; done <"/proc/net/$name"
done
echo end
`
