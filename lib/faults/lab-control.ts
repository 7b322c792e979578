import { commandLine, type Command } from '../hosts/index.ts'
import { FaultTargetError } from './errors.ts'
import type { FaultEnvironment } from './target.ts'

/** The argument vector of a verb of the lab's control program. */
export function labVerb(environment: FaultEnvironment, verb: readonly string[]): readonly string[] {
  if (!environment.lab) {
    throw new FaultTargetError(
      `The environment ${environment.name} has no lab, so ${verb.slice(0, 2).join(' ')} is not possible.`,
    )
  }
  return [...environment.lab.control, ...verb]
}

/**
 * An undo that is also done when the lab it belongs to is gone: with the lab went everything that was broken in it. Other
 * targets keep their undo as it is.
 */
export function orLabGone(environment: FaultEnvironment, undo: Command): Command {
  if (!environment.lab) return undo
  const isThere = commandLine(labVerb(environment, ['power', 'status']))
  return {
    script: `${commandLine(undo)} && exit 0
for attempt in 1 2 3; do ${isThere} >/dev/null 2>&1 && exit 1; sleep 1; done
echo 'the lab is gone, and all that was broken in it'`,
  }
}
