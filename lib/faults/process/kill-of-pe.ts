import { eventually } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { commandLine, type Command } from '../../hosts/index.ts'
import type { Evidence, FaultContext, StepAction } from '../definition.ts'
import { FaultFailedError } from '../errors.ts'
import { SIGNAL_SCRIPT } from './process-script.ts'
import type { PeTarget } from './pe-target.ts'

/** Kills exactly the process of a PE, from the machine of the runner. Fails where it is not that process any more. */
export function killOfPe({ host, pid, startTime, mark }: PeTarget): StepAction {
  const command: Command = { script: SIGNAL_SCRIPT, args: ['KILL', pid, startTime, mark] }
  return {
    call: `on ${host}: ${commandLine(command)}`,
    async run(context) {
      const { code, stdout, stderr } = await context.shell(host).run(command, { within: '30s', signal: context.signal })
      if (code === 0) return
      throw new FaultFailedError(
        `Process ${pid} on ${host} could not be killed: ${`${stderr}${stdout}`.trim() || `exit ${code}`}.`,
      )
    },
  }
}

/** Waits until the platform has seen that the process of a PE is gone. */
export async function missedByPlatform(context: FaultContext, dc: DcName, target: PeTarget): Promise<Evidence> {
  const { management } = context.clients[dc]
  const seen = await eventually(
    async (signal) => {
      const pe = await management.pe(target.pe, { signal })
      const launchCount = pe.launchCount ?? 0
      const isAnother = launchCount > target.launchCount || pe.processId !== target.pid
      return isAnother || pe.status !== 'running'
        ? { done: true, value: { status: pe.status, launchCount, pid: pe.processId ?? null } }
        : {
            done: false,
            seen: `PE ${pe.id} is ${pe.status} with process ${pe.processId}, launched ${launchCount} times`,
          }
    },
    { within: '15s', every: '10ms', signal: context.signal, describe: `the platform to miss process ${target.pid}` },
  )
  return { killed: target.pid, host: target.host, ...seen.value }
}
