import { z } from 'zod'
import type { FaultContext, FaultStep } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { firewallOf, requireNetworks, requirePrivilege, type Firewall } from './host-checks.ts'
import type { HostNetwork } from './host-network.ts'
import { packetStep } from './kernel-cut.ts'
import { chainStem, familiesOf, tableName, type PacketMatch } from './packet-rules.ts'

/** Loss of packets at random on one host, without the kernel's netem. */
export interface NetfilterLoss {
  /** Id of the fault. */
  readonly id: string
  readonly network: HostNetwork
  /**
   * What is lost. Take the hook `in` of the receiving host wherever it has a shell: a drop at `out` is told to the sender, whose
   * TCP sends again at once and whose UDP sees an error, unlike on a wire.
   */
  readonly matches: readonly PacketMatch[]
  /** Of each packet to be lost, in [0, 1], in steps of a millionth. */
  readonly probability: number
  /** Default: nft where it works, else iptables. */
  readonly by?: Firewall['kind']
}

/**
 * The step that loses packets at random by the packet filter, with its inverse: nft `numgen random`, or the match `statistic` of
 * iptables.
 * @throws FaultTargetError without privilege or packet filter; RangeError for a probability that is none
 */
export function lossByNetfilter({
  id,
  network,
  matches,
  probability,
  by,
}: NetfilterLoss): Pick<FaultStep, 'host' | 'do' | 'undo'> {
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`${probability} is not a probability`)
  requirePrivilege(network)
  requireNetworks(network)
  const action = { kind: 'lose', perMillion: Math.round(probability * 1_000_000) } as const
  return packetStep(network, firewallOf(network, familiesOf(matches), by), { id, matches, action })
}

/** Packets that the rules of a loss have seen since the injection, and how many of them they dropped. */
export interface LossCounts {
  readonly packets: number
  readonly dropped: number
}

/**
 * Reads the counters of the rules of a loss.
 * @throws FaultTargetError if they are not there
 */
export async function measureLoss(
  context: FaultContext,
  loss: Pick<NetfilterLoss, 'id' | 'network' | 'matches' | 'by'>,
): Promise<LossCounts> {
  const { id, network, matches, by } = loss
  const families = familiesOf(matches)
  const firewall = firewallOf(network, families, by)
  const command =
    firewall.kind === 'nft'
      ? [firewall.nft, 'list', 'table', 'inet', tableName(id)]
      : {
          script: 'for program; do "$program" -w 5 -v -S || exit 1; done',
          args: families.flatMap((family) => firewall.programs[family] ?? []),
        }
  const result = await context.shell(network.host).run(command, { within: '10s', signal: context.signal })
  const counts =
    result.code !== 0 ? undefined : firewall.kind === 'nft' ? nftCounts(result.stdout) : chainCounts(result.stdout, id)
  if (counts) return counts
  throw new FaultTargetError(
    `The rules of ${id} are not on ${network.host}: ${result.stderr.trim() || 'they are gone'}.`,
    {
      remedy: 'Something on the host took them away; see who manages its packet filter.',
    },
  )
}

const whole = z.coerce.number().int().nonnegative()

/** Reads `counter packets 12 bytes 720 comment "seen"` and `… counter packets 3 … drop comment "lost"`. */
export function nftCounts(text: string): LossCounts | undefined {
  const sum = (comment: string): number[] =>
    text.split('\n').flatMap((line) => {
      const found = /counter packets (\d+) bytes \d+ (?:drop )?comment "(\w+)"/.exec(line)
      return found?.[2] === comment ? [whole.parse(found[1])] : []
    })
  return counted(sum('seen'), sum('lost'))
}

/** Reads the rules of a fault from `iptables -v -S`: `-A FAILOVER_… -c 12 720`, and one with the match statistic. */
export function chainCounts(text: string, id: string): LossCounts | undefined {
  const rules = text.split('\n').filter((line) => line.startsWith(`-A ${chainStem(id)}_`))
  const packets = (lines: readonly string[]): number[] =>
    lines.flatMap((line) => {
      const found = / -c (\d+) \d+/.exec(line)
      return found ? [whole.parse(found[1])] : []
    })
  const lost = rules.filter((line) => line.includes('-m statistic'))
  const seen = rules.filter((line) => !/ -j | -m statistic/.test(line))
  return counted(packets(seen), packets(lost))
}

function counted(seen: readonly number[], lost: readonly number[]): LossCounts | undefined {
  if (seen.length === 0 || lost.length === 0) return undefined
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
  return { packets: sum(seen), dropped: sum(lost) }
}

/** Standard deviations that chance is given: beyond these it is one in 16 000. */
const DEVIATIONS = 4

/** Whether so many drops of so many packets fit a probability, and between how many drops would. */
export function withinBinomial(
  { packets, dropped }: LossCounts,
  probability: number,
): { readonly plausible: boolean; readonly lower: number; readonly upper: number } {
  const mean = packets * probability
  const spread = DEVIATIONS * Math.sqrt(packets * probability * (1 - probability))
  const lower = Math.max(0, Math.floor(mean - spread))
  const upper = Math.min(packets, Math.ceil(mean + spread))
  return { plausible: dropped >= lower && dropped <= upper, lower, upper }
}
