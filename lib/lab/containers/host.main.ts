import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { parseOwn } from '../embedded/parse.ts'
import type { SiteBoot } from '../embedded/plan.ts'
import { Processes } from '../embedded/supervisor/processes.ts'
import { SitePower } from '../embedded/supervisor/sites.ts'
import { openTruth } from '../embedded/truth.ts'
import { INSIDE } from './plan.ts'

/** What keeps a site running on a host of the container lab: the part of the supervisor that a data centre of its own has. */
const RESTART_MS = 200

const boot = parseOwn<SiteBoot>(readFileSync(`${INSIDE.home}/host.json`, 'utf8'))
const { dc, plan } = boot
for (const directory of [INSIDE.run, INSIDE.logs]) mkdirSync(directory, { recursive: true, mode: 0o700 })
// Left by the life before the last loss of power.
rmSync(plan.lifeSocket, { force: true })
const processes = new Processes()
await processes.listen(plan.lifeSocket)
const site = new SitePower({
  dc,
  processes,
  truth: openTruth(plan.truthFile),
  program: plan.programs.site,
  logDirectory: INSIDE.logs,
  boot: Promise.resolve(boot),
  onLost: () => setTimeout(turnOn, RESTART_MS),
})

function turnOn(): void {
  site.on().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  })
}
turnOn()
