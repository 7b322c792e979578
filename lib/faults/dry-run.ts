import { redact } from '../core/index.ts'
import { commandLine } from '../hosts/index.ts'
import type { Fault, FaultPlan } from './definition.ts'
import { undoScript } from './lease.ts'

/** A plan for people: what would be done where, and the exact undo. */
export function describePlan(fault: Fault, plan: FaultPlan): string {
  const title = `${fault.kind} on ${fault.target}`
  const hosts = [...new Set(plan.steps.map((step) => step.host))]
  const isAtOnce = plan.atOnce === true && hosts.length > 1
  const lines = [`${title}: ${plan.effect}`, '', isAtOnce ? 'It would do (all hosts at once):' : 'It would do:']
  for (const step of plan.steps) {
    lines.push(`  ${step.host}: ${'call' in step.do ? step.do.call : commandLine(step.do.command)}`)
  }
  for (const host of hosts) {
    const steps = plan.steps.filter((step) => step.host === host)
    const files = steps.flatMap((step) => step.undoFiles ?? []).map((file) => `file.${file.name}`)
    lines.push('', `Undo, written to ${host} first${files.length > 0 ? ` with ${files.join(', ')}` : ''}:`, '')
    // As it is, so that it can be run.
    lines.push(undoScript(title, steps).trimEnd())
  }
  return redact(`${lines.join('\n')}\n`)
}
