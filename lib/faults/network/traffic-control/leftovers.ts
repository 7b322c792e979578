import type { LeftoverScan } from '../../leftovers.ts'

/** Finds trees of traffic control that a fault left on an interface: nobody knows whose they are, only that they are ours. */
export const trafficControlLeftovers: LeftoverScan = {
  name: 'queueing disciplines',
  script: String.raw`
tc=$(command -v tc) || exit 0
"$tc" qdisc show 2>/dev/null | while read -r _ kind handle word dev place rest; do
  case $kind.$handle.$word.$place in htb.fa[0-9a-f][0-9a-f]:.dev.root) ;; *) continue ;; esac
  printf '*\tqueueing discipline %s on %s\t' "$handle" "$dev"
  printf '%s qdisc del dev %s root handle %s 2>/dev/null || ! %s qdisc show dev %s 2>/dev/null | grep -q "^qdisc htb %s"\n' "$tc" "$dev" "$handle" "$tc" "$dev" "$handle"
done
`,
}
