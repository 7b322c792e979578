import { quote } from '../../hosts/index.ts'
import type { LeftoverScan } from '../leftovers.ts'

/** Tables of nft that a cut or a loss has left; their names end with the end of the fault's id. */
export const nftLeftovers: LeftoverScan = {
  name: 'nft tables',
  script: String.raw`
command -v nft >/dev/null || exit 0
nft list tables 2>/dev/null | while read -r _ family table; do
  case $table in failover_*)
    owner=$(printf %s "$table" | tail -c 8)
    undo="nft delete table $family $table 2>/dev/null || ! nft list table $family $table >/dev/null 2>&1"
    printf '%s\t%s\t%s\n' "$owner" "nft table $family $table" "$undo" ;;
  esac
done`,
}

/** Undoes the chains of one fault in one family: `$1` is the program, `$2` the stem of the chains. */
const REMOVE = [
  'while "$1" -w 5 -D INPUT -j "$2"_IN; do :; done',
  'while "$1" -w 5 -D OUTPUT -j "$2"_OUT; do :; done',
  'for chain in "$2"_IN "$2"_OUT "$2"_NEW; do "$1" -w 5 -F "$chain" && "$1" -w 5 -X "$chain"; done',
  '! "$1-save" | grep -q "^:$2"_',
].join('; ')

const FIND = String.raw`
for program in iptables ip6tables; do
  command -v "$program-save" >/dev/null || continue
  for way in IN OUT NEW; do
    "$program-save" 2>/dev/null | sed -n "s/^:FAILOVER_\([A-Za-z0-9_]*\)_$way .*/\1/p"
  done | sort -u | while read -r owner; do
    printf '%s\t%s\t%s %s %s 2>/dev/null\n' "$owner" "$program chains FAILOVER_$owner" "$undo" "$program" "FAILOVER_$owner"
  done
done`

/** Chains of iptables and ip6tables, with the jumps to them. A table that our use has made stays, empty. */
export const iptablesLeftovers: LeftoverScan = {
  name: 'iptables chains',
  script: `undo=${quote(`sh -c ${quote(REMOVE)} sh`)}${FIND}`,
}
