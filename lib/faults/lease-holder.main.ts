/** A program for tests: arms a lease and renews it until it is killed. Arguments: directory, id, ttl, file that the undo marks. */
import type { Duration } from '../core/index.ts'
import { localShell } from '../hosts/index.ts'
import { armLease } from './lease.ts'

const [directory = '', id = '', ttl = '1s', file = ''] = process.argv.slice(2)
const steps = [{ undo: { script: 'echo undone >>"$1"', args: [file] } }]
await armLease({ shell: localShell(), directory, id, title: 'a fault of a runner', steps, ttl: ttl as Duration })
process.stdout.write('armed\n')
setInterval(() => undefined, 1000)
