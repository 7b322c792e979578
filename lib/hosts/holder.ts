import { hostname, userInfo } from 'node:os'

/** Variables by which CI systems tell the address of the job that runs. */
const JOB_URLS = ['CI_JOB_URL', 'BUILD_URL', 'BUILDKITE_BUILD_URL', 'CIRCLE_BUILD_URL', 'TRAVIS_JOB_WEB_URL'] as const

/**
 * Who holds something on a host, in one line for whoever finds it: user, machine, process, run, and the address of the CI job
 * where variables tell it.
 * @example `alice@build-7 pid 4711 run 2026-01-31T10-00-00-ab12 https://ci.example.com/job/42`
 */
export function holderOf(
  options: { readonly run?: string | undefined; readonly env?: NodeJS.ProcessEnv } = {},
): string {
  const { run, env = process.env } = options
  const job = jobUrl(env)
  const words = [
    `${userName(env)}@${hostname()}`,
    `pid ${process.pid}`,
    ...(run ? [`run ${run}`] : []),
    ...(job ? [job] : []),
  ]
  return words.join(' ').replaceAll(/\s+/g, ' ')
}

function jobUrl(env: NodeJS.ProcessEnv): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env
  if (server && repository && run) return `${server}/${repository}/actions/runs/${run}`
  return JOB_URLS.map((name) => env[name]).find((value) => value)
}

function userName(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username
  } catch {
    // A container may run with a user id that has no name.
    return env.USER ?? `uid-${process.getuid?.() ?? 'unknown'}`
  }
}
