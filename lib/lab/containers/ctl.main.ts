import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { now } from '../../core/index.ts'
import { asObject, asText, parseOwn } from '../embedded/parse.ts'
import type { DcName } from '../embedded/protocol.ts'
import { watchDeath, type DeathWatch } from './death.ts'
import { callDocker, saidBy } from './docker-api.ts'
import type { ContainersFile } from './plan.ts'

const USAGE = `usage: ctl --lab <directory> <verb>
  power off|on <dc>   kill the containers of a data centre at once; start them again
  power stop <dc>     stop them in order, as a machine that shuts down
  power status`

class UsageError extends Error {}

async function main(): Promise<unknown> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { lab: { type: 'string' } } })
  if (values.lab === undefined) throw new UsageError('--lab is missing')
  const plan = parseOwn<ContainersFile>(readFileSync(join(values.lab, 'containers.json'), 'utf8'))
  const [object, verb, dc] = positionals
  if (object !== 'power') throw new UsageError(`unknown verb: ${object ?? '(none)'}`)
  switch (verb) {
    case 'off':
      return off(plan, dcOf(dc), 'kill?signal=KILL')
    case 'stop':
      return off(plan, dcOf(dc), 'stop?t=10')
    case 'on':
      return on(plan, dcOf(dc))
    case 'status':
      return { east: await status(plan, 'east'), west: await status(plan, 'west') }
    default:
      throw new UsageError(`unknown verb: power ${verb ?? '(none)'}`)
  }
}

/** Ends all containers of a data centre at once, and tells between which instants of this machine's clock. */
async function off(plan: ContainersFile, dc: DcName, call: string): Promise<unknown> {
  const watches = plan.truthFile === null ? [] : await Promise.all(plan.containers[dc].map((name) => watch(plan, name)))
  const earliest = now()
  const answers = await Promise.all(
    plan.containers[dc].map((name) => callDocker(plan.docker, 'POST', `/containers/${name}/${call}`)),
  )
  const latest = now()
  const deaths = watches.map((one) => one?.ended()).filter((death) => death !== undefined)
  for (const answer of answers) if (answer.status >= 400 && !isDown(answer.status)) throw new Error(saidBy(answer))
  if (answers.every(({ status: code }) => isDown(code))) return { dc, offBetween: null }
  const between =
    deaths.length === plan.containers[dc].length
      ? [Math.min(...deaths.map((death) => death.earliest)), Math.max(...deaths.map((death) => death.latest))]
      : [earliest, latest]
  if (plan.truthFile !== null) {
    appendFileSync(plan.truthFile, `${JSON.stringify({ at: between[1], event: 'power-off', dc, between })}\n`)
  }
  return { dc, offBetween: between }
}

/** Watches a container that runs: its end is seen more tightly than by the daemon's answer, which comes when all is tidied up. */
async function watch({ docker }: ContainersFile, name: string): Promise<DeathWatch | undefined> {
  const container = asObject((await callDocker(docker, 'GET', `/containers/${name}/json`)).json)
  const pid = Number(asObject(container?.['State'])?.['Pid'] ?? 0)
  return pid > 0 ? watchDeath(pid, asText(container?.['Id']) ?? '') : undefined
}

/** 304 and 409: it does not run. */
function isDown(code: number): boolean {
  return code === 304 || code === 409
}

/** Starts what is down. A lab that is gone, and with it all that was broken in it, needs nothing. */
async function on(plan: ContainersFile, dc: DcName): Promise<unknown> {
  const answers = await Promise.all(
    plan.containers[dc].map((name) => callDocker(plan.docker, 'POST', `/containers/${name}/start`)),
  )
  if (answers.every(({ status: code }) => code === 404)) return { dc, power: 'the lab is gone' }
  for (const answer of answers) if (answer.status >= 400) throw new Error(saidBy(answer))
  return { dc, power: 'on' }
}

async function status(plan: ContainersFile, dc: DcName): Promise<'on' | 'off'> {
  const states = await Promise.all(
    plan.containers[dc].map(async (name) => {
      const answer = await callDocker(plan.docker, 'GET', `/containers/${name}/json`)
      if (answer.status !== 200) throw new Error(saidBy(answer))
      return asObject(asObject(answer.json)?.['State'])?.['Running'] === true
    }),
  )
  return states.every(Boolean) ? 'on' : 'off'
}

function dcOf(name: string | undefined): DcName {
  if (name === 'east' || name === 'west') return name
  throw new UsageError(`a data centre is east or west, not ${name ?? '(none)'}`)
}

main().then(
  (result) => {
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
  },
  (error: unknown) => {
    const text = error instanceof Error ? error.message : String(error)
    process.stderr.write(`${text}${error instanceof UsageError ? `\n${USAGE}` : ''}\n`, () =>
      process.exit(error instanceof UsageError ? 2 : 1),
    )
  },
)
