import { access } from 'node:fs/promises'
import { messageOf, toMs, withDeadline, type Duration } from '../core/index.ts'
import {
  ForbiddenError,
  InstanceNotStartedError,
  NotFoundError,
  openDataExchange,
  openManagement,
  RequestTimeoutError,
  UnauthorizedError,
  UnreachableError,
  type DataExchangeClient,
  type ManagementClient,
} from '../streams/index.ts'
import { checkHosts, type PreflightNote } from './preflight-hosts.ts'
import { PreflightError, type PreflightProblem, type PreflightProblemKind } from './errors.ts'
import type { DcConnection, DcName, ResolvedEnvironment, ServiceConnection } from './resolved.ts'

/** Options of {@link preflight}. */
export interface PreflightOptions {
  /** Deadline of all checks of a data centre; they run at the same time. Default 30 s. */
  readonly within?: Duration
  readonly signal?: AbortSignal
}

/**
 * Checks that both data centres are fit for a drill, before anything is broken: reachable, credentials accepted, instance
 * running, job healthy, bundle at hand, operators and endpoints there; and every host: login, host key, root, tools, lease
 * directory, addresses. Returns what the hosts lack although drills can go on without it.
 * @throws PreflightError with everything that is wrong, each with its data centre, field and remedy
 */
export async function preflight(
  environment: ResolvedEnvironment,
  options: PreflightOptions = {},
): Promise<readonly PreflightNote[]> {
  const within = options.within ?? '30s'
  const checked = <T>(what: string, check: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(check, {
      within: `${toMs(within) + 5000}ms`,
      signal: options.signal,
      describe: `the preflight of ${what}`,
    })
  const [hosts, ...found] = await Promise.all([
    checked('the hosts', (signal) => checkHosts(environment, { within, signal })),
    ...(['east', 'west'] as const).map((dc) => checked(dc, (signal) => checkDc(environment, dc, within, signal))),
  ])
  const problems = [...found.flat(), ...hosts.problems]
  if (problems.length > 0) throw new PreflightError(environment.name, problems)
  return hosts.notes
}

async function checkDc(
  environment: ResolvedEnvironment,
  dc: DcName,
  within: Duration,
  signal: AbortSignal,
): Promise<PreflightProblem[]> {
  const site = environment.dcs[dc]
  const options = { timeouts: { connect: '5s', attempt: '10s', call: within }, retry: { attempts: 2 }, signal } as const
  const management = openManagement({ dc, ...connection(site.management), instance: site.instance, ...options })
  const data = openDataExchange({ dc, ...connection(site.data), ...options })
  // A passive data centre runs the stand-alone watcher: no operators and endpoints of the application.
  const isPassive = environment.toolkit[dc].crossDCOperationMode === 0
  const checks = [
    checkBundle(site),
    checkManagement(environment, site, management, isPassive),
    ...(isPassive ? [] : [checkEndpoints(site, data)]),
  ]
  // No `await using` here: this module is also loaded by Vitest's configuration, which Node 20 runs as it is written.
  try {
    return (await Promise.all(checks)).flat()
  } finally {
    await management[Symbol.asyncDispose]()
    await data[Symbol.asyncDispose]()
  }
}

function connection({ url, username, password, tls }: ServiceConnection) {
  return { url, credentials: { username, password }, tls }
}

async function checkBundle({ dc, application }: DcConnection): Promise<PreflightProblem[]> {
  try {
    await access(application.bundle)
    return []
  } catch (cause) {
    const problem = `there is no readable file ${application.bundle}`
    const remedy = `Build it, or set FAILOVER_${dc.toUpperCase()}_BUNDLE: a cancelled job could not be submitted again.`
    return [{ kind: 'bundle-missing', dc, field: `dcs.${dc}.application.bundle`, problem, remedy, cause }]
  }
}

async function checkManagement(
  environment: ResolvedEnvironment,
  site: DcConnection,
  client: ManagementClient,
  isPassive: boolean,
): Promise<PreflightProblem[]> {
  const { dc, application } = site
  try {
    await client.root()
    const instance = await client.instance()
    if (instance.status !== 'running') {
      const problem = `the instance ${site.instance} is ${instance.status}`
      const remedy = 'Start it before the drill.'
      return [{ kind: 'instance-not-running', dc, field: `dcs.${dc}.instance`, problem, remedy }]
    }
    // The application is submitted there only when the passive side takes over.
    if (isPassive) return []
    const job = await client.findJob(application.job)
    if (!job) {
      const problem = `the instance ${site.instance} runs no job named ${application.job}`
      const remedy = `Submit it under that name, or set FAILOVER_${dc.toUpperCase()}_JOB.`
      return [{ kind: 'job-missing', dc, field: `dcs.${dc}.application.job`, problem, remedy }]
    }
    const problems: PreflightProblem[] = []
    if (job.health !== 'healthy') {
      const problem = `the job ${application.job} is ${job.health} (status ${job.status})`
      const remedy = 'Repair it before the drill: a fault in a sick system proves nothing.'
      problems.push({ kind: 'job-unhealthy', dc, field: `dcs.${dc}.application.job`, problem, remedy })
    }
    problems.push(...(await checkOperators(environment, site, client, job.id)))
    return problems
  } catch (error) {
    return [problemOf(error, site, 'management', 'REST_URL')]
  }
}

async function checkOperators(
  environment: ResolvedEnvironment,
  { dc, application }: DcConnection,
  client: ManagementClient,
  job: string,
): Promise<PreflightProblem[]> {
  const names = (await client.operators({ job })).map((operator) => operator.name)
  const has = (name: string): boolean => names.some((found) => found === name || lastPart(found) === name)
  const { operatorPrefix } = environment
  const problems: PreflightProblem[] = []
  for (const role of ['ingest', 'results', 'special'] as const) {
    const name = application.operators[role]
    if (has(name)) continue
    const problem = `the job ${application.job} has no operator ${name}`
    const remedy = `It has ${names.join(', ') || 'none'}; correct application.operators.${role} of the environment.`
    problems.push({ kind: 'operator-unknown', dc, field: `dcs.${dc}.application.operators.${role}`, problem, remedy })
  }
  if (!has(`${operatorPrefix}.RemoteDataCenterHeartbeatWatchdog`)) {
    const problem = `the job ${application.job} does not invoke the failover toolkit as ${operatorPrefix}`
    const remedy =
      'Correct operatorPrefix of the environment: the name under which the application invokes the composite.'
    problems.push({ kind: 'operator-unknown', dc, field: 'operatorPrefix', problem, remedy })
  }
  return problems
}

async function checkEndpoints(site: DcConnection, client: DataExchangeClient): Promise<PreflightProblem[]> {
  const { dc, application } = site
  const { ingest, results, special } = application.operators
  const wanted = [
    ['ingest', ingest, 'inject'],
    ['results', results, 'inspect'],
    ['special', special, 'inject'],
  ] as const
  const problems: PreflightProblem[] = []
  try {
    await client.discover({ job: application.job })
  } catch (error) {
    if (!(error instanceof NotFoundError)) return [problemOf(error, site, 'data', 'DATA_URL')]
  }
  for (const [role, operator, direction] of wanted) {
    try {
      await client.endpoint({ job: application.job, operator, direction })
    } catch (error) {
      if (!(error instanceof NotFoundError)) return [...problems, problemOf(error, site, 'data', 'DATA_URL')]
      const problem = `the data service offers no ${direction} endpoint of ${operator}: ${messageOf(error)}`
      const remedy = `Check that the job runs and that ${operator} is an endpoint operator.`
      const field = `dcs.${dc}.application.operators.${role}`
      problems.push({ kind: 'endpoint-gone', dc, field, problem, remedy, cause: error })
    }
  }
  return problems
}

/** What a client's error means for the one who set the environment up. */
function problemOf(
  error: unknown,
  site: DcConnection,
  service: 'management' | 'data',
  variable: string,
): PreflightProblem {
  const { dc } = site
  const prefix = `FAILOVER_${dc.toUpperCase()}_`
  const at = (
    kind: PreflightProblemKind,
    field: string,
    name: string,
    problem: string,
    remedy: string,
  ): PreflightProblem => ({
    kind,
    dc,
    field: `dcs.${dc}.${field}`,
    variable: `${prefix}${name}`,
    problem,
    remedy,
    cause: error,
  })
  const { url } = site[service]
  const said = messageOf(error)
  if (error instanceof UnauthorizedError) {
    return at('unauthorized', `${service}.password`, 'PASSWORD', said, 'Correct user name and password.')
  }
  if (error instanceof ForbiddenError) {
    return at('forbidden', `${service}.username`, 'USERNAME', said, 'Give the user the rights, or take another user.')
  }
  if (error instanceof UnreachableError && error.kind === 'tls') {
    return at('tls', `${service}.tls.ca`, 'CA_FILE', said, `Give the authority that signed the certificate of ${url}.`)
  }
  if (error instanceof UnreachableError || error instanceof RequestTimeoutError) {
    return at(
      'unreachable',
      `${service}.url`,
      variable,
      said,
      'Check the URL, and that the site is up and can be reached.',
    )
  }
  if (error instanceof InstanceNotStartedError) {
    return at('instance-not-running', 'instance', 'INSTANCE', said, 'Start the instance before the drill.')
  }
  if (error instanceof NotFoundError) {
    return at('unexpected', `${service}.url`, variable, said, 'Check URL, base path and the name of the instance.')
  }
  return at('unexpected', `${service}.url`, variable, said, 'Check that the URL is that of the right service.')
}

function lastPart(name: string): string {
  return name.split(/\.|::/).at(-1) ?? name
}
