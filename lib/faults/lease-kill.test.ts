import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleProgram } from '../bundle/index.ts'
import { localShell } from '../hosts/index.ts'
import { processLives } from '../hosts/testing/process-lives.ts'
import { armLease } from './lease.ts'
import { sweep } from './sweep.ts'
import { linesOf, pathOf, plant, testRoot, until } from './testing/lease-host.ts'

const root = testRoot()
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Every program that arming runs, beside what the shell does itself. */
const TOOLS = ['cat', 'date', 'dirname', 'head', 'mkdir', 'mv', 'rm', 'setsid', 'sh', 'sleep', 'sync', 'tail', 'wc']

/** A host on which arming halts just before its nth program is run, for somebody to be killed there. */
function haltingHost(step: number): Host {
  const bin = mkdtempSync(join(root, 'bin-'))
  const at = join(bin, 'state')
  mkdirSync(at)
  for (const tool of TOOLS) {
    // Only the group that arms counts, not the watcher: it has a session of its own. What is said is said once.
    plant(
      bin,
      tool,
      `read -r stat </proc/self/stat; set -- "$stat" "$@"
group=$(set -- \${stat##*) }; echo "$3"); shift
[ -s "${at}/group" ] || echo "$group" >"${at}/group"
read -r arming <"${at}/group"
if [ "$group" = "$arming" ]; then
  # A number of its own, also for programs that run side by side.
  n=1; until ${pathOf('mkdir') ?? ''} "${at}/$n" 2>/dev/null; do n=$((n + 1)); done
  echo "${tool} $1" >"${at}/$n/what"
  if [ "$n" -eq ${step} ]; then
    : >"${at}/reached"
    until [ -e "${at}/go" ] || ! [ -d "${at}" ]; do ${pathOf('sleep') ?? ''} 0.02; done
  fi
fi
exec ${pathOf(tool) ?? ''} "$@"`,
    )
  }
  return { path: `${bin}:${process.env['PATH'] ?? ''}`, at, go: () => writeFileSync(join(at, 'go'), '') }
}

interface Host {
  readonly path: string
  /** Directory of what is known of the arming. */
  readonly at: string
  readonly go: () => void
}

/** The process group that arms. */
const groupOf = ({ at }: Host): number => Number(readFileSync(join(at, 'group'), 'utf8'))

/** A step that arming never comes to. */
const NEVER = 10_000
const steps: string[] = []

beforeAll(async () => {
  const host = haltingHost(NEVER)
  const shell = localShell({ env: { PATH: host.path } })
  const lease = await armLease({
    shell,
    directory: join(root, 'counted'),
    id: 'counted',
    title: 'to be counted',
    steps: [{ undo: ['true'], undoFiles: [{ name: 'key', content: 'hunter2' }] }],
    ttl: '30s',
  })
  while (existsSync(join(host.at, `${steps.length + 1}`)))
    steps.push(readFileSync(join(host.at, `${steps.length + 1}`, 'what'), 'utf8').trim())
  await lease.undo('test', { within: '10s' })
  await lease.release()
})

/** After a kill: nothing is on, and what is left in the directory is only files, which a sweep removes. */
async function nothingIsLeft(host: Host, directory: string, change: string, what: string): Promise<void> {
  await until(`arming to end: ${what}`, () => !processLives(-groupOf(host)), '60s')
  await until(`the host to undo what was changed: ${what}`, () => !existsSync(change), '60s')
  const shell = localShell()
  await until(
    `no lease to be held: ${what}`,
    async () =>
      (await sweep(directory, { shell, scans: [] })).every(({ state, title }) => state !== 'held' || title === ''),
    '60s',
  )
  expect((await sweep(directory, { shell, force: true, scans: [] })).map(({ state }) => state)).not.toContain('failed')
  expect(existsSync(change)).toBe(false)
}

/** Several at a time: each mostly waits for its lease to expire. */
async function inLanes(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await work(++next)
  }
  await Promise.all(Array.from({ length: 6 }, lane))
}

describe('at every step of arming, either nothing is changed or the lease undoes it', () => {
  it('when the process group of the command on the host is killed', { timeout: 240_000 }, async () => {
    expect(steps.length).toBeGreaterThan(15)
    let killed = 0
    let refused = 0
    await inLanes(steps.length + 1, async (step) => {
      const host = haltingHost(step)
      const [directory, change] = [join(root, `group-${step}`), join(root, `group-${step}.changed`)]
      const arming = armLease({
        shell: localShell({ env: { PATH: host.path } }),
        directory,
        id: 'killed',
        title: 'killed while being armed',
        steps: [{ undo: ['rm', '-f', change], undoFiles: [{ name: 'key', content: 'hunter2' }] }],
        ttl: '1s',
        within: '60s',
      }).then(
        (lease) => {
          writeFileSync(change, '')
          lease.abandon()
        },
        () => refused++,
      )
      let ended = false
      void arming.then(() => (ended = true))
      await until(`step ${step}`, () => ended || existsSync(join(host.at, 'reached')), '60s')
      if (existsSync(join(host.at, 'reached'))) {
        killed++
        process.kill(-groupOf(host), 'SIGKILL')
      }
      host.go()
      await arming
      await nothingIsLeft(host, directory, change, `step ${step}, ${steps[step - 1] ?? 'none'}`)
    })
    expect(killed).toBeGreaterThan(15)
    expect(refused).toBe(killed)
  })

  it('when the client is killed', { timeout: 240_000 }, async () => {
    const program = await bundleProgram(join(import.meta.dirname, 'lease-holder.test.main.ts'))
    let killed = 0
    await inLanes(steps.length + 1, async (step) => {
      const host = haltingHost(step)
      const [directory, change] = [join(root, `client-${step}`), join(root, `client-${step}.changed`)]
      const mark = join(root, `client-${step}.mark`)
      const client = spawn(process.execPath, [program, directory, 'killed', '1s', mark, change], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, PATH: host.path },
      })
      let said = ''
      client.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const closed = once(client, 'close')
      await until(`step ${step}`, () => existsSync(join(host.at, 'reached')) || said.includes('armed'), '60s')
      client.kill('SIGKILL')
      await closed
      if (existsSync(join(host.at, 'reached'))) {
        killed++
        expect(existsSync(change)).toBe(false)
      }
      // What the client had asked for goes on without it.
      host.go()
      await nothingIsLeft(host, directory, change, `step ${step}, ${steps[step - 1] ?? 'none'}`)
      if (existsSync(join(directory, 'killed', 'deadline'))) expect(linesOf(mark)).toBe(1)
    })
    // The others were armed, and changed something, before they were killed.
    expect(killed).toBeGreaterThan(12)
    expect(killed).toBeLessThanOrEqual(steps.length)
  })
})
