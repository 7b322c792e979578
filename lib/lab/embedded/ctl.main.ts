import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { onLines } from './json-lines.ts'
import { asOwn, parseOwn } from './parse.ts'
import type { LabPlan } from './plan.ts'
import type { DcName } from './protocol.ts'
import { WRONG_ANSWERS } from './rest/wrong.ts'
import { SiteClient } from './site-client.ts'
import type { ControlAnswer, ControlRequest } from './supervisor/control.ts'
import type { LinkOrder } from './supervisor/links.ts'

const USAGE = `usage: ctl --lab <directory> <verb>
  power off|on <dc>
  power status
  links cut   --id <fault> --from <party> --to <dc> [--port <role>] [--mode blackhole|reset] [--direction forward|backward|both]
  links shape --id <fault> --from <party> --to <dc> [--port <role>] [--delay <ms>] [--jitter <ms>] [--rate <bytes per second>]
              [--direction forward|backward|both]
  links heal  --id <fault>
  links show
  rest wrong  --id <fault> --dc <dc> --mode 5xx|html|half-body|empty
  rest heal   --id <fault>
  rest show
  processes
  launch-app <dc>   what the launch script of a passive data centre runs
parties: runner, east, west; roles: management, data, heartbeat, snapshot`

class UsageError extends Error {}

const parsed = readArguments()

async function main(): Promise<unknown> {
  const { values, positionals } = parsed
  if (values.lab === undefined) throw new UsageError('--lab is missing')
  const plan = parseOwn<LabPlan>(readFileSync(join(values.lab, 'lab.json'), 'utf8'))
  const [verb, object, subject] = positionals
  if (verb === 'launch-app') return launchApp(plan, dcOf(object))
  return ask(plan.controlSocket, requestOf([verb, object].filter(Boolean).join(' '), subject))
}

function requestOf(verb: string, subject: string | undefined): ControlRequest {
  switch (verb) {
    case 'power off':
      return { verb: 'power-off', dc: dcOf(subject) }
    case 'power on':
      return { verb: 'power-on', dc: dcOf(subject) }
    case 'power status':
      return { verb: 'power-status' }
    case 'links cut':
      return { verb: 'links-apply', order: orderOf({ cut: one('mode', ['blackhole', 'reset'], 'blackhole') }) }
    case 'links shape':
      return { verb: 'links-apply', order: orderOf(shapeOf()) }
    case 'links heal':
      return { verb: 'links-heal', id: given('id') }
    case 'links show':
      return { verb: 'links-show' }
    case 'rest wrong':
      return {
        verb: 'rest-wrong',
        order: { fault: given('id'), dc: dcOf(given('dc')), wrong: one('mode', WRONG_ANSWERS) },
      }
    case 'rest heal':
      return { verb: 'rest-heal', id: given('id') }
    case 'rest show':
      return { verb: 'rest-show' }
    case 'processes':
      return { verb: 'processes' }
    default:
      throw new UsageError(`unknown verb: ${verb || '(none)'}`)
  }
}

function orderOf(part: LinkOrder['part']): LinkOrder {
  const port = parsed.values.port
  return {
    fault: given('id'),
    from: one('from', ['runner', 'east', 'west']),
    to: dcOf(given('to')),
    port: port === undefined ? undefined : one('port', ['management', 'data', 'heartbeat', 'snapshot']),
    direction: one('direction', ['forward', 'backward', 'both'], 'both'),
    part,
  }
}

function shapeOf(): LinkOrder['part'] {
  const { delay, jitter, rate } = parsed.values
  if (delay === undefined && jitter === undefined && rate === undefined) {
    throw new UsageError('a shape needs --delay, --jitter or --rate')
  }
  return {
    ...(delay === undefined ? {} : { delayMs: positive('delay', delay) }),
    ...(jitter === undefined ? {} : { jitterMs: positive('jitter', jitter) }),
    ...(rate === undefined ? {} : { rate: positive('rate', rate) }),
  }
}

type Name = keyof typeof parsed.values

function given(name: Name): string {
  const value = parsed.values[name]
  if (value === undefined) throw new UsageError(`--${name} is missing`)
  return value
}

function one<const Choice extends string>(name: Name, choices: readonly Choice[], otherwise?: Choice): Choice {
  const value = parsed.values[name] ?? otherwise
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw new UsageError(`--${name} is one of ${choices.join(', ')}`)
  return choice
}

function dcOf(name: string | undefined): DcName {
  if (name === 'east' || name === 'west') return name
  throw new UsageError(`a data centre is east or west, not ${name ?? '(none)'}`)
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new UsageError(`--${name} is a number above 0`)
  return value
}

function readArguments() {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        lab: text,
        id: text,
        dc: text,
        from: text,
        to: text,
        port: text,
        mode: text,
        direction: text,
        delay: text,
        jitter: text,
        rate: text,
      },
    })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`)
    process.exit(2)
  }
}

function ask(path: string, request: ControlRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`))
    socket.on('error', (error) =>
      reject(new Error(`The lab does not answer, its supervisor has ended: ${error.message}`)),
    )
    socket.on('close', () => reject(new Error('The lab ended before it answered.')))
    onLines(socket, (line) => {
      const answer = asOwn<ControlAnswer>(JSON.parse(line))
      if ('ok' in answer) resolve(answer.ok)
      else reject(new Error(answer.error))
    })
  })
}

/** Submits the application at the site itself, past all links, and ends the watcher that asked for it. */
async function launchApp(plan: LabPlan, dc: DcName): Promise<unknown> {
  const { disk, instance, username, password, application, first } = plan.sites[dc]
  const site = parseOwn<{ management: string; ca: string }>(readFileSync(join(disk, 'run', 'site.json'), 'utf8'))
  const client = new SiteClient({ url: site.management, ca: site.ca, instance, username, password })
  try {
    const job = (await client.find(application.name)) ?? (await client.submit(application))
    const watcher = first.name === application.name ? undefined : await client.find(first.name)
    if (watcher !== undefined) await client.cancel(watcher)
    return { dc, job }
  } finally {
    client.close()
  }
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
