import { parseOwn } from './parse.ts'
import { runPe } from './pe/run.ts'
import type { PeLaunch } from './protocol.ts'

const document = process.env['FAILOVER_PE']
if (document === undefined) {
  process.stderr.write('This program is launched by the site of an embedded lab, which tells it all in FAILOVER_PE.\n')
  process.exit(2)
}
await runPe(parseOwn<PeLaunch>(document))
