/**
 * A program for tests: arms a lease, makes the change that its undo takes back, and renews it until it is killed. Arguments:
 * directory, id, ttl, file that the undo marks; and, if something is to be changed, the file that is there while it is.
 */
import { writeFileSync } from 'node:fs'
import type { Duration } from '../core/index.ts'
import { localShell } from '../hosts/index.ts'
import { armLease } from './lease.ts'

const [directory = '', id = '', ttl = '1s', file = '', change] = process.argv.slice(2)
const script = 'echo undone >>"$1"; [ -z "$2" ] || rm -f "$2"'
const steps = [{ undo: { script, args: [file, change ?? ''] } }]
await armLease({ shell: localShell(), directory, id, title: 'a fault of a runner', steps, ttl: ttl as Duration })
if (change !== undefined) writeFileSync(change, '')
process.stdout.write('armed\n')
setInterval(() => undefined, 1000)
