import { iptablesLeftovers, nftLeftovers } from './network/netfilter-leftovers.ts'
import { trafficControlLeftovers } from './network/traffic-control/leftovers.ts'
import { workerLeftovers } from './process/worker.ts'
import { mountLeftovers } from './resource/mount-script.ts'

/**
 * Finds what faults may leave on a host without a lease that would tell: kernel rules, handles, processes, files. Each kind of
 * fault that leaves such things registers a scan for them.
 */
export interface LeftoverScan {
  /** What it looks for, for people: `nft tables`. */
  readonly name: string
  /**
   * POSIX sh that changes nothing and exits 0, also where its tool is missing. One line per leftover:
   * `<owner><TAB><what, for people><TAB><undo>`. `<owner>` is the id of the fault or the random eight hexadecimal digits at its
   * end, `*` where that cannot be told (then it counts as anybody's: it is left alone while any lease is alive on the host).
   * `<undo>` is a line of POSIX sh that undoes just this, exits 0 if it is gone already, and needs nothing but the host.
   */
  readonly script: string
}

/** Every scan for leftovers. A sweep runs all of them, in one call, on every host. */
export const leftoverScans: readonly LeftoverScan[] = [
  iptablesLeftovers,
  mountLeftovers,
  nftLeftovers,
  trafficControlLeftovers,
  workerLeftovers,
]
