/** Whatever dies, nothing is left on a VM, which can also be rebooted. */
import { describe } from 'vitest'
import { startVmBed } from '../beds/vm.ts'
import { VM_KINDS } from '../kill-matrix/grounds.ts'
import { KILLERS, killMatrixOn } from '../kill-matrix/suite.ts'

// An emulated machine is slow: its leases are longer, and so are its undos.
describe('a VM', { timeout: 600_000 }, () => {
  killMatrixOn({
    name: 'vm',
    needs: 'vm',
    start: startVmBed,
    realDisk: '/mnt/state',
    kinds: VM_KINDS,
    killers: [...KILLERS, 'host rebooted'],
    share: 0.15,
    ttlMs: 10_000,
    slackMs: 6000,
  })
})
