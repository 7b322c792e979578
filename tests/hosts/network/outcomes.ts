import { eventually } from '../../../lib/core/index.ts'
import { PORTS, type Bed, type MachineName } from '../beds/bed.ts'

/** A way from one machine of a bed to a port of the other. */
export interface Way {
  readonly from: MachineName
  readonly to: MachineName
  readonly family: 4 | 6
  readonly port: keyof typeof PORTS
}

/** What became of a word that was said: an answer, nothing within a second, or the end of the connection. */
export type Outcome = 'answered' | 'silent' | 'reset'

/** Outcomes by {@link nameOf}. */
export type Outcomes = Readonly<Record<string, Outcome>>

/** All ways between the machines of a bed, over both families, to three of the ports. */
export const WAYS: readonly Way[] = (['a', 'b'] as const).flatMap((from) =>
  ([4, 6] as const).flatMap((family) =>
    (['heartbeat', 'snapshot', 'data'] as const).map(
      (port) => ({ from, to: from === 'a' ? 'b' : 'a', family, port }) as const,
    ),
  ),
)

/** `a→b heartbeat v4`. */
export function nameOf({ from, to, family, port }: Way): string {
  return `${from}→${to} ${port} v${family}`
}

/** Connections between the machines that are open and unused: a second opinion beside the probes of the product. */
export interface OpenConnections extends AsyncDisposable {
  /** Says a word on each and gives what came of it. They are used up by this. */
  ask(): Promise<Outcomes>
}

/** Opens a connection on every way, with the tools of the machines alone. */
export async function openConnections(bed: Bed): Promise<OpenConnections> {
  const mark = `/tmp/open-${process.pid}-${performance.now()}`
  const running = (['a', 'b'] as const).map((from) => run(bed, from, mark))
  for (const from of ['a', 'b'] as const) {
    await eventually(
      async () => {
        const { stdout } = await bed.exec(from, { script: 'ls -d "$1".ready.* 2>/dev/null | wc -l', args: [mark] })
        const wanted = WAYS.filter((way) => way.from === from).length
        return Number(stdout) === wanted
          ? { done: true, value: true }
          : { done: false, seen: `${stdout.trim()} of ${wanted} connections` }
      },
      { within: '10s', every: '20ms', describe: `connections from ${from}` },
    )
  }
  const go = () => Promise.all((['a', 'b'] as const).map((from) => bed.exec(from, ['touch', `${mark}.go`])))
  return {
    async ask() {
      await go()
      return merged(await Promise.all(running))
    },
    async [Symbol.asyncDispose]() {
      await go()
      await Promise.allSettled(running)
    },
  }
}

/** Says a word on a new connection on every way. */
export async function newConnections(bed: Bed): Promise<Outcomes> {
  return merged(await Promise.all((['a', 'b'] as const).map((from) => run(bed, from, ''))))
}

/** Whether the other machine answers packets that are not TCP: an ICMP echo, and a datagram over UDP. */
export async function otherProtocols(
  bed: Bed,
  from: MachineName,
): Promise<{ icmp: boolean; udp4: boolean; udp6: boolean }> {
  const to = from === 'a' ? 'b' : 'a'
  const { ipv4, ipv6 } = bed.addresses[to]
  const udp = (address: string) =>
    bed.exec(from, ['bash', '-c', UDP, 'bash', address, String(PORTS.heartbeat)], { within: '10s' })
  const [icmp, udp4, udp6] = await Promise.all([bed.exec(from, ['perl', '-e', ECHO, ipv4]), udp(ipv4), udp(ipv6)])
  return { icmp: icmp.code === 0, udp4: udp4.code === 0, udp6: udp6.code === 0 }
}

async function run(bed: Bed, from: MachineName, mark: string): Promise<Outcomes> {
  const ways = WAYS.filter((way) => way.from === from)
  const args = ways.flatMap((way) => [nameOf(way), addressOf(bed, way.to, way.family), String(PORTS[way.port])])
  const { stdout, stderr, code } = await bed.exec(from, ['bash', '-c', SAY, 'bash', mark, ...args], { within: '60s' })
  const outcomes = stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
  if (code !== 0 || outcomes.length !== ways.length) throw new Error(`connections of ${from}: ${stdout}${stderr}`)
  return Object.fromEntries(outcomes.map(([name = '', outcome]) => [name, outcome as Outcome]))
}

function addressOf(bed: Bed, machine: MachineName, family: 4 | 6): string {
  return bed.addresses[machine][family === 4 ? 'ipv4' : 'ipv6']
}

function merged(all: readonly Outcomes[]): Outcomes {
  return Object.assign({}, ...all) as Outcomes
}

// On each way at once. With a mark, the connection is opened, and a file says so; it is used once the file `go` is there.
const SAY = String.raw`
mark=$1; shift
say() { # address, port, way
  if [ -n "$mark" ]; then
    exec 3<>"/dev/tcp/$1/$2" || exit 7
    : >"$mark.ready.$1.$2"
    until [ -e "$mark.go" ]; do sleep 0.02; done
  else
    timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null
    case $? in 0) exec 3<>"/dev/tcp/$1/$2" || exit 7 ;; 124) exit 9 ;; *) exit 7 ;; esac
  fi
  trap '' PIPE
  printf 'ping\n' >&3 || exit 7
  IFS= read -r -t 1 answer <&3
  case $? in 0) exit 0 ;; 1) exit 7 ;; *) exit 9 ;; esac
}
while [ $# -gt 0 ]; do
  ( ( say "$2" "$3" ) 2>/dev/null
    case $? in 0) said=answered ;; 7) said=reset ;; *) said=silent ;; esac
    printf '%s\t%s\n' "$1" "$said" ) &
  shift 3
done
wait`
const UDP = 'exec 3<>"/dev/udp/$1/$2"; printf x >&3 && IFS= read -r -t 1 -n 1 <&3'
const ECHO = String.raw`
use Socket;
socket(my $s, AF_INET, SOCK_RAW, 1) or die "socket: $!";
my $echo = pack('C C n n n', 8, 0, 0, $$ & 0xffff, 1);
my $sum = 0; $sum += $_ for unpack('n*', $echo);
$sum = ($sum >> 16) + ($sum & 0xffff); $sum = ~$sum & 0xffff;
substr($echo, 2, 2) = pack('n', $sum);
send($s, $echo, 0, pack_sockaddr_in(0, inet_aton($ARGV[0]))) or die "send: $!";
my $until = time + 2;
while (time < $until) {
  my $bits = ''; vec($bits, fileno($s), 1) = 1;
  next unless select($bits, undef, undef, 0.2);
  recv($s, my $got, 1500, 0);
  my ($type, undef, undef, $id) = unpack('C C n n', substr($got, 20));
  exit 0 if $type == 0 && $id == ($$ & 0xffff);
}
exit 1`
