import { readFileSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf } from '../../core/index.ts'
import { parseOwn } from './parse.ts'
import type { LabPlan, SiteBoot, SupervisorSays } from './plan.ts'
import type { DcName } from './protocol.ts'
import { Answers } from './supervisor/answers.ts'
import { serveControl } from './supervisor/control.ts'
import { Links } from './supervisor/links.ts'
import { reservePorts } from './supervisor/ports.ts'
import { Processes } from './supervisor/processes.ts'
import { SitePower } from './supervisor/sites.ts'
import { openTruth } from './truth.ts'

const PE_PORTS_PER_SITE = 16
const GONE_WITHIN_MS = 2000
const DCS: readonly DcName[] = ['east', 'west']

const processes = new Processes()

async function main(directory: string): Promise<void> {
  const plan = parseOwn<LabPlan>(readFileSync(join(directory, 'lab.json'), 'utf8'))
  const truth = openTruth(plan.truthFile)
  // The runner holds the other end: when that closes, however the runner ended, the lab ends.
  process.stdin.once('close', () => void end(plan))
  process.stdin.resume()
  const [ports] = await Promise.all([reservePorts(), processes.listen(plan.lifeSocket)])
  const links = new Links(plan, ports, truth)
  const certificates = import('./pki.ts').then(({ makeCertificates }) => makeCertificates(DCS))
  const power = (dc: DcName): SitePower => {
    const pePorts = Array.from({ length: PE_PORTS_PER_SITE }, () => ports.take())
    const boot = Promise.all([certificates, opened]).then(([tls]): SiteBoot => ({
      type: 'boot',
      plan,
      dc,
      tls: tls[dc],
      pePorts,
      crossDc: links.crossDc(dc),
    }))
    const logDirectory = join(directory, 'logs')
    return new SitePower({ dc, processes, truth, program: plan.programs.site, logDirectory, boot })
  }
  const opened = links.open(ports, (dc, role) => sites[dc].ports[role])
  const sites = { east: power('east'), west: power('west') }
  const answers = new Answers(sites, truth)
  const booted = DCS.map((dc) => sites[dc].on())
  await Promise.all([serveControl(plan.controlSocket, { sites, links, answers, processes }), opened, ...booted])
  say({ ready: { ca: (await certificates).east.ca, links: links.descriptions } })
}

function say(what: SupervisorSays): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

async function end(plan: LabPlan): Promise<void> {
  for (const dc of DCS) processes.powered(dc, false)
  for (const dc of DCS) processes.kill(dc)
  await Promise.all(DCS.map((dc) => processes.gone(dc, GONE_WITHIN_MS)))
  for (const socket of [plan.lifeSocket, plan.controlSocket]) {
    rmSync(socket, { force: true })
    // A socket whose path would have been too long in the lab's directory has one of its own.
    if (process.platform !== 'win32' && dirname(socket) !== plan.directory) rmSync(dirname(socket), { recursive: true })
  }
  // The watcher of a lease there may just be writing.
  if (plan.ephemeral) await rm(plan.directory, { recursive: true, force: true, maxRetries: 10 })
  process.exit(0)
}

process.stdout.on('error', () => undefined)
main(process.argv[2] ?? '.').catch((error: unknown) => {
  say({ error: messageOf(error) })
  for (const dc of DCS) processes.kill(dc)
  process.exitCode = 1
  process.stdout.end(() => process.exit(1))
})
