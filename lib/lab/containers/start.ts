import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '../../bundle/index.ts'
import { eventually, messageOf, now, reveal } from '../../core/index.ts'
import type { DcName } from '../embedded/protocol.ts'
import { SiteClient } from '../embedded/site-client.ts'
import { submitFirst } from '../embedded/submit-first.ts'
import { reservePorts } from '../embedded/supervisor/ports.ts'
import { buildLab } from './build.ts'
import { removeStaleLabs } from './cleanup.ts'
import { ContainerLabError } from './errors.ts'
import { labImage } from './image.ts'
import { planInside } from './lab-plan.ts'
import type { ContainersFile } from './plan.ts'
import { openRuntime, type ContainerRuntime } from './runtime.ts'
import type { ContainerLab, ContainerLabOptions, ContainerSite } from './types.ts'
import { startWatchdog } from './watchdog-process.ts'

const DCS: readonly DcName[] = ['east', 'west']
const ANSWERS_WITHIN = '30s'
const LOG_LINES = 30

/**
 * Starts a lab of containers: two data centres on networks of their own, joined by a router; sshd and the site's processes on
 * each host, and the real kernel between them. All of it goes when this process ends.
 * @throws ContainersUnavailableError without a usable Docker daemon; ConfigurationError for an option that makes no sense;
 * ContainerLabError when it cannot start
 */
export async function startContainerLab(options: ContainerLabOptions): Promise<ContainerLab> {
  const began = now()
  const inside = planInside(options)
  const runtime = await openRuntime()
  const directory = resolve(options.directory)
  const plan = await writePlan(directory, runtime, options.ephemeral ?? false)
  const [ctl, image] = await Promise.all([
    bundleProgram(fileURLToPath(new URL('./ctl.main.ts', import.meta.url))),
    labImage(runtime, options),
    removeStaleLabs(runtime.endpoint),
  ])
  options.signal?.throwIfAborted()
  const ports = await reservePorts()
  const watchdog = await startWatchdog(directory)
  try {
    const lab = await buildLab({ plan, runtime, image, inside, ports })
    await Promise.all(DCS.map((dc) => ready(lab.sites[dc], options.signal)))
    const { timeScale, mode, defects } = inside.plan
    return {
      ...lab,
      id: plan.id,
      directory,
      timeScale,
      mode,
      defects,
      truthFile: plan.truthFile ?? undefined,
      control: [process.execPath, ctl, '--lab', directory],
      startMs: now() - began,
      async [Symbol.asyncDispose]() {
        ports.close()
        await watchdog.end()
      },
    }
  } catch (error) {
    const logs = await logsOf(runtime, plan)
    ports.close()
    const left = await watchdog.end().catch((failure: unknown) => ` ${messageOf(failure)}`)
    options.signal?.throwIfAborted()
    throw new ContainerLabError(`The container lab could not start: ${messageOf(error)}${left ?? ''}${logs}`, {
      cause: error,
    })
  }
}

/** Writes down what the lab's programs on this machine need to know. */
async function writePlan(directory: string, runtime: ContainerRuntime, ephemeral: boolean): Promise<ContainersFile> {
  const id = randomBytes(5).toString('hex')
  const plan: ContainersFile = {
    id,
    directory,
    ephemeral,
    docker: runtime.endpoint,
    containers: { east: [`failover-${id}-east-1`], west: [`failover-${id}-west-1`] },
    truthFile: runtime.sharesKernel ? join(directory, 'truth', 'truth.jsonl') : null,
  }
  for (const part of ['logs', 'truth']) await mkdir(join(directory, part), { recursive: true, mode: 0o700 })
  if (plan.truthFile !== null) await writeFile(plan.truthFile, '', { flag: 'a', mode: 0o600 })
  await writeFile(join(directory, 'containers.json'), JSON.stringify(plan), { mode: 0o600 })
  return plan
}

/** Waits until a site answers, and lets its first job run. */
async function ready(site: ContainerSite, signal: AbortSignal | undefined): Promise<void> {
  const { managementUrl: url, ca, instance, username } = site
  const access = { url, ca, instance, username, password: reveal(site.password) }
  const client = new SiteClient(access)
  try {
    await eventually(
      async () => {
        const failure = await client.find('').then(
          () => undefined,
          (error: unknown) => messageOf(error),
        )
        return failure === undefined ? { done: true, value: true } : { done: false, seen: failure }
      },
      { within: ANSWERS_WITHIN, every: '25ms', signal, describe: `the site ${site.dc} to answer` },
    )
  } finally {
    client.close()
  }
  await submitFirst(access, { name: site.jobName, bundle: site.bundle, parameters: site.parameters }, signal)
}

/** What the hosts said last, for the one who wonders why a lab did not start. */
async function logsOf(runtime: ContainerRuntime, { containers }: ContainersFile): Promise<string> {
  const said = await Promise.all(
    DCS.flatMap((dc) => containers[dc]).map(async (name) => {
      try {
        const container = runtime.client.container.getById(name)
        const log = await container.logs({ stdout: true, stderr: true, tail: LOG_LINES })
        return `\n--- ${name} ---\n${log.toString('utf8').replaceAll(/[^\n\x20-\x7e]+/g, '')}`
      } catch {
        return ''
      }
    }),
  )
  return said.join('')
}
