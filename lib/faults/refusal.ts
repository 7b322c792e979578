import type { Fault } from './definition.ts'
import { FaultRefusedError } from './errors.ts'
import type { FaultEnvironment } from './target.ts'

/** Name of the variable that allows faults in a production environment: it holds the environment's name. */
export const ALLOW_PRODUCTION = 'FAILOVER_ALLOW_PRODUCTION'

/** What a fault is held against before anything of the environment is looked at. */
export interface RefusalContext {
  readonly environment: FaultEnvironment
  /** Faults that are on or being injected. */
  readonly on: number
  /** Name of the production environment that may be broken, as somebody has written it down. */
  readonly allowProduction?: string | undefined
}

/** Why a fault may not be injected into an environment, before anything of it is looked at. */
export function refusal(fault: Fault, context: RefusalContext): FaultRefusedError | undefined {
  const { environment, on, allowProduction } = context
  const { capabilities, blastRadius } = fault.definition
  const title = `${fault.kind} on ${fault.target} is refused`
  const { safety, name } = environment
  if (safety.production === true && allowProduction !== name) {
    const given = allowProduction === undefined ? 'is not set' : `names ${JSON.stringify(allowProduction)}`
    return new FaultRefusedError(`${title}: ${name} is a production environment, and ${ALLOW_PRODUCTION} ${given}.`, {
      remedy: `Set ${ALLOW_PRODUCTION}=${name} for this command if its data centres may be broken now.`,
    })
  }
  const missing = capabilities.filter((capability) => !environment.capabilities.includes(capability))
  if (missing.length > 0) {
    return new FaultRefusedError(`${title}: the environment ${name} does not offer ${missing.join(', ')}.`, {
      remedy: 'Choose a target that offers it, or skip the spec there.',
      details: { missing },
    })
  }
  if (!safety.allow.includes(blastRadius)) {
    return new FaultRefusedError(
      `${title}: it breaks a whole ${blastRadius}, and the environment ${name} allows ${safety.allow.join(', ') || 'nothing'}.`,
      { remedy: `Add '${blastRadius}' to safety.allow if that may be broken.` },
    )
  }
  if (on < safety.maxFaults) return undefined
  return new FaultRefusedError(
    `${title}: with it ${on + 1} faults would be on, and the environment ${name} allows ${safety.maxFaults} at a time.`,
    { remedy: 'Heal another first, or raise safety.maxFaults.' },
  )
}
