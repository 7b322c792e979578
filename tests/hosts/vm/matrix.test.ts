/** Every kind of fault on a stock kernel, which has netem. */
import { startVmBed } from '../beds/vm.ts'
import { bedGround } from '../matrix/grounds.ts'
import { matrixOn } from '../matrix/suite.ts'

matrixOn({ name: 'vm', needs: 'vm', start: () => bedGround(startVmBed, '/mnt/state'), withinMs: 300_000 })
