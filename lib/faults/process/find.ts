import { redact } from '../../core/index.ts'
import type { FaultContext, HostName } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { leaseDirectoryOf } from '../lease-path.ts'
import { FIND_SCRIPT } from './find-script.ts'

/** A process of a host, with what tells it from any other. */
export interface FoundProcess {
  readonly host: HostName
  readonly pid: string
  /** When it started, as the host counts: what tells it from a later one of the same pid. */
  readonly start: string
  /** What tells its command line from another. */
  readonly mark: string
  readonly group: string
  /** Path of its program; empty where that may not be read. */
  readonly program: string
  readonly commandLine: string
}

/** What a search found. */
export interface Search {
  readonly matches: readonly FoundProcess[]
  /** What matches and is never touched, with the reason. */
  readonly spared: readonly (FoundProcess & { readonly why: string })[]
  /** If nothing matches: what nearly does, else some of what there is. */
  readonly others: readonly FoundProcess[]
}

const NOT_A_PATTERN = 64

/**
 * The processes of a host whose command line matches an extended regular expression. The first process, whatever our own
 * connection hangs on, leases and their workers are never among the matches. `brief`: nobody asks what comes near.
 * @throws FaultTargetError if it is not an extended regular expression
 */
export async function findProcesses(
  context: FaultContext,
  host: HostName,
  pattern: string,
  options: { readonly group?: boolean; readonly pids?: readonly string[]; readonly brief?: boolean } = {},
): Promise<Search> {
  const args = [
    pattern,
    leaseDirectoryOf(context.environment, host),
    options.group ? 'group' : '',
    options.pids?.join(' ') ?? '',
    options.brief ? 'brief' : '',
  ]
  const command = { script: FIND_SCRIPT, args }
  const said = await context.shell(host).run(command, { within: '30s', signal: context.signal })
  if (said.code !== 0) {
    const isPattern = said.code !== NOT_A_PATTERN
    const what = isPattern
      ? `The search for processes on ${host} failed`
      : `${host} does not take the pattern ${pattern}`
    throw new FaultTargetError(`${what}: ${said.stderr.trim() || `exit ${said.code}`}.`, {
      ...(isPattern ? {} : { remedy: 'Write an extended regular expression, as grep -E takes it.' }),
    })
  }
  const found = said.stdout.split('\n').flatMap((line) => {
    const [what = '', pid = '', start = '', mark = '', group = '', program = '', ...rest] = line.split('\t')
    return rest.length > 0 ? [{ what, host, pid, start, mark, group, program, commandLine: rest.join(' ') }] : []
  })
  const of = (wanted: string): FoundProcess[] =>
    found.filter(({ what }) => what === wanted).map(({ what: _, ...one }) => one)
  return {
    matches: of('match'),
    spared: found.flatMap(({ what, ...one }) => {
      const why = /^spared: (.*)$/.exec(what)?.[1]
      return why === undefined ? [] : [{ ...one, why }]
    }),
    others: [...of('near'), ...of('other')],
  }
}

const SHOWN = 120

/** Processes for a message, one line each. */
export function listed(processes: readonly (FoundProcess & { readonly why?: string })[]): string {
  return processes
    .map(({ host, pid, commandLine, why }) => {
      const text = redact(commandLine)
      const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
      return `  ${host}: ${pid} ${shown}${why === undefined ? '' : ` (never touched: ${why})`}`
    })
    .join('\n')
}
