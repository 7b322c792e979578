import { z } from 'zod'
import { eventually } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { MalformedAnswerError, ServerError, UnreachableError } from '../../streams/index.ts'
import { serviceIsBack } from '../api/service.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { FaultRefusedError, FaultTargetError } from '../errors.ts'
import { labVerb, orLabGone } from '../lab-control.ts'
import { changedBetween, usesRelays } from '../network/links.ts'

/** How a management API can be wrong: an error without a reason, a web page, half an answer, or nothing at all. */
const wrongMode = z.enum(['5xx', 'html', 'half-body', 'empty'])

/** See {@link wrongMode}. */
type WrongMode = z.infer<typeof wrongMode>

/** Errors of a client that show that it met just this. */
const EXPECTED: Readonly<Record<WrongMode, readonly (abstract new (...args: never[]) => Error)[]>> = {
  '5xx': [ServerError],
  html: [MalformedAnswerError],
  // What breaks off in the middle is either.
  'half-body': [MalformedAnswerError, UnreachableError],
  empty: [MalformedAnswerError],
}

const LOOKS = 3

/** The management API of a data centre answers wrongly. */
export const restWrongKind = defineFault({
  kind: 'rest-wrong',
  summary: 'The management API of a data centre answers with errors, web pages, halves, or nothing.',
  params: z.strictObject({ dc: dcParam, mode: wrongMode }),
  capabilities: ['management'],
  blastRadius: 'instance',
  target: ({ dc, mode }) => `${dc} (${mode})`,
  affects: ({ dc }) => dc,

  async survey(context, { dc }) {
    if (!usesRelays(context.environment)) {
      throw new FaultRefusedError(
        `rest-wrong is refused: nothing at a real site can be told to answer wrongly, and ${context.environment.name} is none of our labs.`,
        {
          remedy:
            'Put a proxy of your own in front of the management API that can be told, or test this in the embedded lab.',
          details: { missing: ['wrong answers'] },
        },
      )
    }
    await context.clients[dc].management.root({ signal: context.signal, attempts: 1 })
    return {}
  },

  plan: ({ environment, id }, { dc, mode }) => ({
    steps: [
      {
        host: 'runner',
        do: { command: labVerb(environment, ['rest', 'wrong', '--id', id, '--dc', dc, '--mode', mode]) },
        undo: orLabGone(environment, labVerb(environment, ['rest', 'heal', '--id', id])),
      },
    ],
    effect: `Every answer of the management API of ${dc} is wrong: ${mode}.`,
    outage: [],
  }),

  async confirm(context, { dc, mode }, _facts, injected) {
    const errors: string[] = []
    for (let look = 0; look < LOOKS; look++) errors.push(await wrongness(context, dc, mode))
    const changed = changedBetween(injected)
    return { ...(changed ? { injected: changed } : {}), evidence: { mode, errors } }
  },

  async stillOn(context, { dc, mode }) {
    await wrongness(context, dc, mode)
  },

  async confirmHealed(context, { dc }) {
    await eventually(
      async (signal) => ({
        done: true,
        value: await context.clients[dc].management.root({ signal, attempts: 1 }),
      }),
      { within: '20s', every: '20ms', signal: context.signal, describe: `${dc} to answer as it should` },
    )
    return serviceIsBack(context, dc)
  },
})

/**
 * Makes the management API of a data centre answer wrongly, in the embedded lab. Everywhere else it is refused: nothing at a real
 * site can be told to.
 *
 * By the toolkit's rules: nothing happens, for the toolkit neither knows nor needs the management API. What is tested is whoever
 * watches through it: a monitor that takes "I cannot see it" for "it is down" is wrong.
 */
export function restWrong(dc: DcRef, { mode }: { readonly mode: WrongMode }): Fault {
  return restWrongKind.with({ dc: nameOf(dc), mode })
}

/** The error that the client met. */
async function wrongness(context: FaultContext, dc: DcName, mode: WrongMode): Promise<string> {
  try {
    await context.clients[dc].management.root({ attempts: 1, within: '5s', signal: context.signal })
  } catch (error) {
    if (error instanceof Error && EXPECTED[mode].some((kind) => error instanceof kind)) return error.name
    throw error
  }
  throw new FaultTargetError(`The management API of ${dc} answers as it should.`)
}
