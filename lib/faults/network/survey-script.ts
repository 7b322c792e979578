/**
 * Looks at a machine for faults on its network, in POSIX sh. Arguments are names or addresses of far sides. Prints rows of
 * fields that are separated by tabs, the first of which says what the row is. Changes nothing: in particular, it lists with
 * iptables-save alone, which makes no tables.
 */
export const SURVEY_SCRIPT = String.raw`
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL
nl='
'
tab='	'
row() { # fields; a field keeps its first line only
  line=$1; shift
  for field; do field=\${field%%"$nl"*}; line=$line$tab$field; done
  printf '%s\n' "$line"
}
rows() { # prefix of each line that comes in
  while IFS= read -r line || [ -n "$line" ]; do printf '%s\t%s\n' "$1" "$line"; done
}

row uid "$(id -u)"

tool() { # name, version and a way to see that it works
  name=$1 version=$2; shift 2
  path=$(command -v "$name" 2>/dev/null) || { row tool "$name" missing; return 1; }
  said=$("$@" 2>&1 >/dev/null) || { row tool "$name" fails "$path" "$said"; return 1; }
  row tool "$name" works "$path" "$($name $version 2>&1)"
}
tool nft --version nft list tables
for table in ip ip6; do
  case $table in ip) name=iptables ;; ip6) name=ip6tables ;; esac
  if tool $name --version $name-save; then
    if restore=$(command -v $name-restore 2>/dev/null); then row restore $name "$restore"; fi
    have=$nl$($name-save 2>/dev/null)$nl
    # A table that another fault of ours has made is none.
    case $have in *"$nl:FAILOVER_"*_NEW\ *) row chains $table; continue ;; *"$nl*filter$nl"*) row filter $table ;; esac
    # iptables itself shows chains that are not there.
    if nft list tables >/dev/null 2>&1; then
      row chains $table
      for chain in INPUT OUTPUT; do
        if nft list chain $table filter $chain >/dev/null 2>&1; then row chain $table $chain; fi
      done
    fi
  fi
done
tool tc -V tc qdisc show && tc qdisc show | rows qdisc
tool ip -V ip -o link show && { ip -o link show | rows link; ip -o addr show | rows addr; }

# Who controls us over SSH: said by the environment of a process above this one (sudo clears its own).
control() {
  if [ -n "$SSH_CONNECTION" ]; then row control "$SSH_CONNECTION"; return; fi
  pid=$$ steps=0
  while [ "$pid" -gt 1 ] && [ "$steps" -lt 40 ]; do
    steps=$((steps + 1))
    found=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^SSH_CONNECTION=//p')
    if [ -n "$found" ]; then row control "$found"; return; fi
    parent= program=
    while read -r key value; do
      case $key in Name:) program=$value ;; PPid:) parent=$value ;; esac
    done <"/proc/$pid/status"
    case $program in sshd*|dropbear*) row control unknown "$program"; return ;; esac
    pid=\${parent:-0}
  done
}
control 2>/dev/null

route() { # given, address
  if found=$(ip -o route get "$2" 2>&1); then row peer "$1" "$2" "$found"; else row peer "$1" "$2" '' "$found"; fi
}
for given; do
  case $given in
  *:*) route "$given" "$given"; continue ;;
  *[!0-9.]*) ;;
  *) route "$given" "$given"; continue ;;
  esac
  if ! command -v getent >/dev/null 2>&1; then row unresolved "$given" 'there is no getent to resolve names with'; continue; fi
  found=$(getent ahosts "$given") || { row unresolved "$given" 'the name is not known there'; continue; }
  printf '%s\n' "$found" | {
    seen=' '
    while read -r address rest; do
      case $seen in *" $address "*) continue ;; esac
      seen="$seen$address "
      route "$given" "$address"
    done
  }
done
row end
`.replaceAll('\\$', '$')
