import type { z } from 'zod'
import type { Interval } from '../core/index.ts'
import type { DcName } from '../history/index.ts'
import type { Command, RunResult, Shell } from '../hosts/index.ts'
import type { DataExchangeClient, ManagementClient } from '../streams/index.ts'
import type { FaultDeadlines } from './services.ts'
import type { BlastRadius, Capability, FaultEnvironment } from './target.ts'

/** Where commands run: `runner` is the machine that this process runs on, others are hosts of the environment by name. */
export type HostName = string

/** Clients of one data centre. */
export interface DcClients {
  readonly management: ManagementClient
  readonly data: DataExchangeClient
}

/** All that a fault may use. */
export interface FaultContext {
  /** Id of this fault: of its lease, and of what it leaves in a lab. */
  readonly id: string
  readonly environment: FaultEnvironment
  readonly clients: Readonly<Record<DcName, DcClients>>
  /**
   * The shell of a host.
   * @throws FaultTargetError if the environment has no such host
   */
  shell(host: HostName): Shell
  /** Ends every wait of the phase that it was handed to. */
  readonly signal: AbortSignal
}

/** What a plan is made from: no I/O. */
export type PlanContext = Pick<FaultContext, 'id' | 'environment'>

/** A file that an undo needs beside itself in its lease directory, where it is found as `$LEASE/file.<name>`, mode 0600. */
export interface UndoFile {
  readonly name: string
  /** May hold credentials, so it is never printed; the file is removed after the undo. */
  readonly content: string | Uint8Array
}

/** What a step does: a command on a host, or a call that only the runner can make. */
export type StepAction =
  | { readonly command: Command }
  | {
      /** What is called, for people. */
      readonly call: string
      readonly run: (context: FaultContext) => Promise<void>
    }

/** One change with its inverse. The inverse is a command, so that the host can run it when the runner is gone. */
export interface FaultStep {
  readonly host: HostName
  readonly do: StepAction
  /**
   * Idempotent, and without effect where `do` never happened. Exits 0 once nothing is left to undo. `$LEASE` is the lease's
   * directory.
   */
  readonly undo: Command
  readonly undoFiles?: readonly UndoFile[]
}

/** What will be done, as data. */
export interface FaultPlan {
  readonly steps: readonly FaultStep[]
  /** Steps of different hosts are done side by side, those of one host in order. Default: all in order. */
  readonly atOnce?: boolean
  /** What is expected to be seen, for people. */
  readonly effect: string
  /** Data centres whose service the fault ends: an `outage` event is recorded for each. */
  readonly outage: readonly DcName[]
}

/** What the steps did, as far as the runner saw. */
export interface InjectedSteps {
  /** From just before the first step until just after the last. */
  readonly at: Interval
  /** Per step: when it was done, and its result if it was a command. */
  readonly steps: readonly { readonly at: Interval; readonly result?: RunResult }[]
}

/** A measured effect, or its measured absence. */
export interface Confirmation {
  /** When the fault took effect, if that is known more tightly than by its steps. */
  readonly injected?: Interval
  /** When service ended, if that is known more tightly than by the steps and the time of this confirmation. */
  readonly outage?: Interval
  /** What was measured, for the record. Plain JSON. */
  readonly evidence: Evidence
}

/** Facts for the record. Plain JSON. */
export type Evidence = { readonly [key: string]: EvidenceValue }

/** A value of {@link Evidence}. */
export type EvidenceValue = string | number | boolean | null | readonly EvidenceValue[] | Evidence

/** A kind of fault. `P` are its parameters, `F` the facts that its survey of the target found. See {@link defineFault}. */
export interface FaultDefinition<P, F> {
  readonly kind: string
  /** One sentence for the table of faults. */
  readonly summary: string
  readonly params: z.ZodType<P>
  readonly capabilities: readonly Capability[]
  readonly blastRadius: BlastRadius
  /** The target comes back without a heal (a process that its site restarts), so the outage may end before it. */
  readonly endsByItself?: boolean
  /** Where the engine's own deadlines are too short for what must be seen, such as several heartbeats. The longer one counts. */
  deadlines?(environment: FaultEnvironment, params: P): Partial<FaultDeadlines>
  /** What is hit, for people and reports: `east`, `east/Logic`, `east→west`. */
  target(params: P): string
  /** The data centre that is hit, if it is one. */
  affects(params: P): DcName | undefined
  /**
   * Looks at the target without touching it.
   * @throws FaultTargetError or a client's error, which name the data centre and what to do
   */
  survey(context: FaultContext, params: P): Promise<F>
  /** Pure: the commands with their inverse. */
  plan(context: PlanContext, params: P, facts: F): FaultPlan
  /** Measures the effect. A throw means that the fault is not confirmed. */
  confirm(context: FaultContext, params: P, facts: F, injected: InjectedSteps): Promise<Confirmation>
  /** Looks, right before the undo, whether the effect lasted until now. A throw says that it did not, which is put on record. */
  stillOn?(context: FaultContext, params: P, facts: F): Promise<void>
  /** Measures that the effect is gone. A throw means that it is not. */
  confirmHealed(context: FaultContext, params: P, facts: F): Promise<Confirmation>
  /** Lets go of what the survey opened (probe connections). Called once, whatever happened. */
  dispose?(facts: F): void
}

/** A fault that has been asked for and is not on. Made by the functions of the catalogue. */
export interface Fault {
  readonly kind: string
  readonly target: string
  readonly params: unknown
  readonly definition: FaultDefinition<unknown, unknown>
}
