import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bundleProgram } from '../../bundle/index.ts'
import { now } from '../../core/index.ts'
import { processLives } from '../../hosts/testing/process-lives.ts'
import { startEmbeddedLab } from './index.ts'
import {
  agentOf,
  caller,
  control,
  first,
  processes,
  temporaryLab,
  type Body,
  truth,
  tuples,
  until,
} from './lab.test-harness.ts'
import { onLines } from './json-lines.ts'

const INSTANCE = '/instances/StreamsInstance'

function fourTimes<T>(value: T): T[] {
  return [value, value, value, value]
}

describe('an embedded lab', () => {
  it('starts with both applications healthy, one process per part, and ends without leaving any', async () => {
    let pids: number[]
    {
      await using lab = await temporaryLab()
      const running = await processes(lab)
      expect(running.map((p) => `${p.dc} ${p.role}`).sort()).toEqual(
        ['east', 'west'].flatMap((dc) => [...fourTimes(`${dc} pe`), `${dc} site`]).sort(),
      )
      pids = running.map((p) => p.pid)
      expect(pids.every(processLives)).toBe(true)
      const { mode } = await stat(lab.directory)
      expect(mode & 0o077).toBe(0)
      const seen = await truth(lab)
      expect(seen.filter((line) => line.event === 'pe-start')).toHaveLength(8)
      expect(seen.every((line) => typeof line.at === 'number' && line.at < now())).toBe(true)
    }
    await until('every process to be gone', async () => !pids.some(processLives))
  })

  it('runs beside others', async () => {
    const labs = await Promise.all([temporaryLab(), temporaryLab(), temporaryLab()])
    try {
      const ports = labs.flatMap((lab) => lab.links.map((link) => link.listenPort))
      expect(new Set(ports).size).toBe(ports.length)
      for (const lab of labs) expect(await control(lab, 'power', 'status')).toEqual({ east: 'on', west: 'on' })
    } finally {
      await Promise.all(labs.map((lab) => lab[Symbol.asyncDispose]()))
    }
  })

  it('runs in a directory whose path is too long for a local socket', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'failover-lab-'))
    {
      const far = join(directory, 'far-away-'.repeat(12))
      await using lab = await startEmbeddedLab({ directory: far, submit: false })
      expect(await control(lab, 'power', 'status')).toEqual({ east: 'on', west: 'on' })
    }
    await rm(directory, { recursive: true })
  })

  it('loses a data centre at once and boots it again with its jobs', async () => {
    await using lab = await temporaryLab()
    await using agent = agentOf(lab)
    const call = caller(lab.sites.east, agent)
    const url = `${lab.sites.east.managementUrl}${INSTANCE}`
    const before = (await processes(lab)).filter((p) => p.dc === 'east')
    await call(`${url}/applicationconfigurations`, { method: 'POST', body: { name: 'kept', properties: { a: '1' } } })

    const asked = now()
    const { offBetween } = await control(lab, 'power', 'off', 'east')
    expect(offBetween[0]).toBeGreaterThan(asked)
    expect(offBetween[1]).toBeGreaterThanOrEqual(offBetween[0])
    expect(offBetween[1]).toBeLessThan(now())
    expect(before.filter((p) => processLives(p.pid))).toEqual([])
    expect((await control(lab, 'power', 'off', 'east')).offBetween).toEqual(offBetween)
    expect(await control(lab, 'power', 'status')).toEqual({ east: 'off', west: 'on' })
    await expect(call(url)).rejects.toThrow()

    await control(lab, 'power', 'on', 'east')
    await control(lab, 'power', 'on', 'east')
    expect((await call(url)).json.status).toBe('running')
    const jobs = (await call(`${url}/jobs`)).json.jobs
    expect(jobs).toMatchObject([{ id: '1', name: 'failover-app' }])
    await until('the job to be healthy', async () => (await call(first(jobs).self)).json.health === 'healthy')
    const { pes } = (await call(`${url}/pes`)).json
    expect(pes.map((pe) => [pe.launchCount, pe.statusReason])).toEqual(fourTimes([2, 'hostFailure']))
    expect((await call(`${url}/applicationconfigurations/kept`)).json.properties).toEqual({ a: '1' })
    const off = (await truth(lab)).find((line) => line.event === 'power-off')
    expect(off).toMatchObject({ dc: 'east', between: offBetween })
  })

  it('takes over: the survivor does the work of the data centre that went', async () => {
    await using lab = await temporaryLab()
    await using agent = agentOf(lab)
    const call = caller(lab.sites.west, agent)
    const { jobs } = (await call(lab.sites.west.dataUrl)).json
    const [ingest = '', results = ''] = first(jobs).endpoints.map((e) => e.http)
    await until('both to see each other up', async () => {
      const views = (await truth(lab)).filter((line) => line.event === 'peer-view' && line.view === 'up')
      return new Set(views.map((line) => line.dc)).size === 2
    })
    await control(lab, 'power', 'off', 'east')
    await until('the takeover', async () => (await truth(lab)).some((l) => l.event === 'owns' && l.home.length === 2))
    const sent = call(ingest, { method: 'POST', body: { items: tuples('east', 'e', 1, 1) } })
    const items = await until('the tuple', async () => {
      const reply = await call(results)
      return reply.json.items.length > 0 && reply.json.items
    })
    expect(items[0]).toMatchObject({ home: 'east', dc: 'west' })
    expect((await sent).status).toBe(200)
  })

  it('has the passive side launch the application when the active one is gone', async () => {
    await using lab = await temporaryLab({ mode: 'active-passive' })
    await using agent = agentOf(lab)
    const call = caller(lab.sites.west, agent)
    const jobs = async (): Promise<readonly Body[]> =>
      (await call(`${lab.sites.west.managementUrl}${INSTANCE}/jobs`)).json.jobs
    expect((await jobs()).map((job) => job.name)).toEqual(['failover-passive'])
    await until('first contact', async () =>
      (await truth(lab)).some((line) => line.event === 'peer-view' && line.dc === 'west' && line.view === 'up'),
    )
    await control(lab, 'power', 'off', 'east')
    const launched = await until('the application', async () => {
      const [job, ...more] = await jobs()
      return more.length === 0 && job?.name === 'failover-app' && job.health === 'healthy' && job
    })
    expect(launched.name).toBe('failover-app')
  })

  it('stops and resumes a host, taking its processes with it', async () => {
    await using lab = await temporaryLab()
    await using agent = agentOf(lab)
    const call = caller(lab.sites.east, agent)
    const domain = `${lab.sites.east.managementUrl}/domains/StreamsDomain/resources`
    const instance = `${lab.sites.east.managementUrl}${INSTANCE}`
    const host = first((await call(domain)).json.resources)
    await call(`${host.self}/actions`, { method: 'POST', body: { type: 'quiesce' } })
    expect((await call(host.self)).json.status).toBe('quiesced')
    expect((await call(instance)).json).toMatchObject({ status: 'partiallyRunning', health: 'partiallyUnhealthy' })
    const { pes } = (await call(`${instance}/pes`)).json
    expect(pes.map((pe) => [pe.status, pe.statusReason])).toEqual(fourTimes(['restarting', 'noViableResource']))
    await call(`${host.self}/actions`, { method: 'POST', body: { type: 'resume' } })
    await until('the instance to be healthy', async () => (await call(instance)).json.health === 'healthy')
  })

  it('starts a dead process again, and gives up when it keeps dying', async () => {
    await using lab = await temporaryLab({ timeScale: 0.05 })
    await using agent = agentOf(lab)
    const call = caller(lab.sites.east, agent)
    const { pes } = (await call(`${lab.sites.east.managementUrl}${INSTANCE}/pes`)).json
    const sink = first(pes, (pe) => pe.id === '3').self
    for (let launch = 1; launch <= 4; launch++) {
      const pe = await until(`launch ${launch}`, async () => {
        const { json } = await call(sink)
        return json.launchCount === launch && json.status === 'running' && json
      })
      process.kill(Number(pe.processId), 'SIGKILL')
    }
    const given = await until('the end of patience', async () => {
      const { json } = await call(sink)
      return json.status === 'stopped' && json
    })
    expect(given).toMatchObject({ statusReason: 'crash', health: 'unhealthy', processId: '', launchCount: 4 })
    await call(sink, { method: 'PATCH', body: { state: 'started' } })
    const back = await until('the manual start', async () => {
      const { json } = await call(sink)
      return json.health === 'healthy' && json
    })
    expect(back).toMatchObject({ statusReason: 'userRequest', launchCount: 5 })
  })

  it('cuts, shapes and heals links by fault', async () => {
    await using lab = await temporaryLab({ submit: false })
    await using agent = agentOf(lab)
    const call = caller(lab.sites.east, agent)
    const url = `${lab.sites.east.managementUrl}${INSTANCE}`
    const faultsOf = async (id: string): Promise<readonly string[]> => {
      const links = (await control(lab, 'links', 'show')) as unknown as { id: string; faults: string[] }[]
      return first(links, (link) => link.id === id).faults
    }
    const cut = ['links', 'cut', '--from', 'runner', '--to', 'east', '--mode', 'reset']
    expect(await control(lab, ...cut, '--id', 'one', '--port', 'management')).toMatchObject({
      id: 'one',
      links: ['runner-east-management'],
    })
    await control(lab, ...cut, '--id', 'two')
    await control(lab, 'links', 'shape', '--id', 'three', '--from', 'runner', '--to', 'east', '--delay', '20')
    expect(await faultsOf('runner-east-management')).toEqual(['one', 'two', 'three'])
    expect(await faultsOf('runner-east-data')).toEqual(['two', 'three'])
    expect(await faultsOf('runner-west-management')).toEqual([])
    await expect(call(url)).rejects.toThrow()
    await control(lab, 'links', 'heal', '--id', 'one')
    await expect(call(url)).rejects.toThrow()
    expect(await control(lab, 'links', 'heal', '--id', 'two')).toEqual({ id: 'two', healed: true })
    expect(await control(lab, 'links', 'heal', '--id', 'two')).toEqual({ id: 'two', healed: false })
    const asked = now()
    expect((await call(url)).status).toBe(200)
    expect(now() - asked).toBeGreaterThan(39)
    expect(await faultsOf('runner-east-management')).toEqual(['three'])
    const lines = (await truth(lab)).filter((line) => line.event === 'link')
    expect(lines).toMatchObject([{ id: 'one' }, { id: 'two' }, { id: 'three' }, ...fourTimes({}).slice(1)])
  })

  it('comes back slowly when that defect is planted, and lets readers miss tuples when that is', async () => {
    await using lab = await temporaryLab({ timeScale: 0.05, defects: ['slow-return', 'tap-overruns'] })
    await using agent = agentOf(lab)
    const call = caller(lab.sites.east, agent)
    const { endpoints } = first((await call(lab.sites.east.dataUrl)).json.jobs)
    const [ingest = '', results = ''] = endpoints.map((e) => e.http)
    expect((await call(ingest, { method: 'POST', body: { items: tuples('east', 'a', 1, 3) } })).status).toBe(200)
    expect((await call(results)).json).toMatchObject({ items: [{ seq: 3 }], droppedTuples: 2 })
    await control(lab, 'power', 'off', 'east')
    await control(lab, 'power', 'on', 'east')
    const [pe] = (await call(`${lab.sites.east.managementUrl}${INSTANCE}/pes`)).json.pes
    expect(pe).toMatchObject({ status: 'constructed', launchCount: 1 })
    await until('health in the end', async () => {
      const { health } = (await call(`${lab.sites.east.managementUrl}${INSTANCE}`)).json
      return health === 'healthy'
    })
  })

  it('refuses an unknown planted defect and an impossible time scale', async () => {
    const directory = join(tmpdir(), 'failover-never-made')
    await expect(startEmbeddedLab({ directory, defects: ['loses-everything'] })).rejects.toThrow(/never-takes-over/)
    await expect(startEmbeddedLab({ directory, timeScale: 0 })).rejects.toThrow(/time scale/)
  })

  it.each([
    ['no verb', [], /usage/],
    ['an unknown data centre', ['power', 'off', 'north'], /east or west/],
    ['a cut without an id', ['links', 'cut', '--from', 'east', '--to', 'west'], /--id is missing/],
    ['a shape without a shape', ['links', 'shape', '--id', 'a', '--from', 'east', '--to', 'west'], /--delay/],
  ])('refuses %s', async (_, words, text) => {
    const directory = await mkdtemp(join(tmpdir(), 'failover-ctl-'))
    await writeFile(join(directory, 'lab.json'), '{}')
    const program = await bundleProgram(fileURLToPath(new URL('./ctl.main.ts', import.meta.url)))
    const child = spawn(process.execPath, [program, '--lab', directory, ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk) => (said += String(chunk)))
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(2)
    expect(said).toMatch(text)
    await rm(directory, { recursive: true })
  })

  it('dies with its runner, whatever state its processes are in', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'failover-lab-'))
    const program = await bundleProgram(fileURLToPath(new URL('./lab-runner.test.main.ts', import.meta.url)))
    const runner = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
    const pids = await new Promise<number[]>((resolve) =>
      onLines(runner.stdout, (line) => resolve(JSON.parse(line) as number[])),
    )
    expect(pids).toHaveLength(11)
    expect(pids.every(processLives)).toBe(true)
    const stopped = pids.at(-1) ?? 0
    process.kill(stopped, 'SIGSTOP')
    runner.kill('SIGKILL')
    await until('every process to be gone', async () => !pids.some(processLives))
    await rm(directory, { recursive: true })
  })
})
