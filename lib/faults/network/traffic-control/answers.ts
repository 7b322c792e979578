import type { DcName } from '../../../history/index.ts'
import type { FaultContext, FaultStep, PlanContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { requirePeers } from '../host-checks.ts'
import type { HostNetwork } from '../host-network.ts'
import { hostsOf, requireHosts } from '../sides.ts'
import { surveyHost } from '../survey-host.ts'
import type { Impairment } from './impairment.ts'
import { buildStep, treesOnPorts } from './kernel-plan.ts'
import { leafOf } from './leaf.ts'
import { requireUsable, surveySender, type Sender } from './survey.ts'

/**
 * Looks at every host of a data centre for what can be done to its answers to this machine, and changes nothing. Where this
 * machine is, a host knows from the SSH connection that it is controlled through.
 * @throws FaultTargetError where no host has a shell, one cannot do it, or a management network keeps this machine from it
 */
export async function surveyAnswers(
  context: FaultContext,
  dc: DcName,
  impairment: Impairment,
): Promise<readonly Sender[]> {
  requireHosts(context.environment, [dc])
  return Promise.all(
    hostsOf(context.environment, dc).map(async ({ name }) => {
      const us = addressOfUs(await surveyHost(context, name, { peers: [] }))
      const network = await surveyHost(context, name, { peers: [us] })
      const sender = await surveySender(context, network, requirePeers(network, { isUs: true }))
      for (const { mtu } of sender.egress.length > 0 ? sender.egress : [{ mtu: 1500 }]) {
        leafOf(impairment, { kernel: sender.kernel, host: name, mtu })
      }
      requireUsable(sender)
      return sender
    }),
  )
}

/** Lays an impairment on what hosts send to this machine from some of their ports. */
export function impairAnswers(
  { id }: Pick<PlanContext, 'id'>,
  senders: readonly Sender[],
  ports: readonly number[],
  impairment: Impairment,
): readonly FaultStep[] {
  return senders.map((sender) =>
    buildStep({ id }, sender, treesOnPorts(id, sender, { theirs: [], ours: ports }, impairment)),
  )
}

function addressOfUs({ host, control }: HostNetwork): string {
  if (control) return control.clientAddress
  throw new FaultTargetError(`${host} is not controlled over SSH, so it does not know this machine from others.`, {
    remedy: 'Give it an SSH login in the environment.',
  })
}
