import { z } from 'zod'
import { isDuration, toMs, type Duration } from '../../core/index.ts'
import type { RunResult, ShellScript } from '../../hosts/index.ts'
import type { FaultContext, HostName, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { FaultHost } from '../target.ts'

/** A host of the environment, by name or as the environment hands it out. */
export type HostRef = HostName | { readonly name: HostName }

/** The name of a host. */
export function hostName(host: HostRef): HostName {
  return typeof host === 'string' ? host : host.name
}

/** A host as a parameter of a fault. */
export const hostParam = z.string().min(1)

/** How long workers live at most, whatever becomes of their lease, as a parameter of a fault. */
export const longestParam = z
  .custom<Duration>(isDuration, 'must be a duration, like 10m')
  .refine((longest) => toMs(longest) >= 1000, 'must be 1s or more')
  .exactOptional()

/**
 * A host of the environment.
 * @throws FaultTargetError with the hosts that there are; the machine of the runner is none unless it is listed
 */
export function hostOf({ environment }: Pick<PlanContext, 'environment'>, name: HostName): FaultHost {
  const found = environment.hosts.find((host) => host.name === name)
  if (found) return found
  throw new FaultTargetError(`The environment ${environment.name} has no host ${name}.`, {
    remedy: `Its hosts: ${environment.hosts.map((host) => host.name).join(', ') || 'none'}.`,
  })
}

/** Runs a script that only looks, on a host. */
export function lookAt(context: FaultContext, host: HostName, script: ShellScript): Promise<RunResult> {
  return context.shell(host).run(script, { within: '20s', signal: context.signal })
}

/** Facts that a script printed as `name<TAB>value` lines. A name that is missing gives an empty text. */
export function factsOf(stdout: string): (name: string) => string {
  const lines = stdout.split('\n').map((line) => line.split('\t'))
  return (name) => lines.find(([found]) => found === name)?.[1] ?? ''
}
