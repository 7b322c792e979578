import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eventually, reveal } from '../../../lib/core/index.ts'
import { must } from './namespaces.ts'
import { needs, needsBed } from './need.ts'
import { startSshdBed } from './sshd.ts'
import { execOverSsh, namespacesOf, processesIn, say } from './testing.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')

/** The interfaces of this machine that belong to beds. */
async function bedInterfaces(): Promise<readonly string[]> {
  const listed = await must(['ip', '-brief', 'link', 'show'])
  return listed.split('\n').flatMap((line) => /^fobed\d+/.exec(line)?.[0] ?? [])
}

describe('a bed of namespaces', () => {
  const bed = needsBed('sshd', startSshdBed)

  it('lets root in by key, over a host key that is known beforehand', async () => {
    const { hosts, hostKeys } = bed()
    expect(await execOverSsh(hosts.a, 'hostname; id -un')).toEqual({ code: 0, said: 'east-a\nroot\n' })
    expect(await execOverSsh(hosts.b, 'hostname')).toEqual({ code: 0, said: 'west-b\n' })
    const shell = { ...hosts.a.shell, hostKeys: { fingerprints: [hostKeys.b.fingerprint] } }
    await expect(execOverSsh({ ...hosts.a, shell }, 'true')).rejects.toThrow(/verification failed/i)
  })

  it('has users who become root through sudo, one of them by password', async () => {
    const { hostAs, password } = bed()
    expect(await execOverSsh(hostAs('deploy', 'a'), 'id -un; sudo -n id -un')).toMatchObject({
      said: 'deploy\nroot\n',
    })
    const careful = hostAs('careful', 'b')
    expect(await execOverSsh(careful, 'sudo -n id -un')).toMatchObject({ code: 1 })
    const byPassword = `printf '%s\\n' '${reveal(password)}' | sudo -S -p '' id -un`
    expect(await execOverSsh(careful, byPassword)).toEqual({ code: 0, said: 'root\n' })
    await expect(must(['id', 'deploy'])).rejects.toThrow('no such user')
  })

  it('joins its machines by IPv4 and IPv6, and answers on every port', async () => {
    const { addresses, ports } = bed()
    for (const address of [addresses.b.ipv4, addresses.b.ipv6]) {
      for (const port of Object.values(ports)) expect(await say(bed(), 'a', address, port, 'ping')).toBe('pong')
      expect(await say(bed(), 'a', address, ports.data, 'GET / HTTP/1.0\r\n\r')).toContain('200 OK')
    }
    expect(await say(bed(), 'b', addresses.a.ipv6, ports.heartbeat, '123\ncount')).toBe('pong')
    expect(await say(bed(), 'b', addresses.a.ipv4, ports.heartbeat, 'count')).toBe('6')
    expect(await say(bed(), 'b', addresses.a.ipv4, ports.snapshot, 'send 5\n')).toBe('xxxxxpong')
    // The network between them is theirs alone.
    expect(await must(['ip', 'route', 'show'])).not.toContain(addresses.a.ipv4.replace(/\d+$/, ''))
  })

  it('gives each machine its own processes, disks and rules', async () => {
    expect((await bed().exec('a', ['sh', '-c', 'ps -e -o comm= | sort -u'])).stdout.split('\n')).toEqual(
      expect.arrayContaining(['perl', 'sleep', 'sshd']),
    )
    expect((await bed().exec('a', ['sh', '-c', 'ps -e -o pid= | wc -l'])).stdout.trim()).toMatch(/^\d$/)
    const only = 'touch /mnt/state/mine /tmp/mine /run/mine; nft add table inet mine; ls /mnt/state; nft list tables'
    expect((await execOverSsh(bed().hosts.a, only)).said).toBe('mine\ntable inet mine\n')
    expect((await execOverSsh(bed().hosts.b, 'ls /mnt/state /tmp; nft list tables')).said).not.toContain('mine')
    await expect(must(['cat', '/run/mine'])).rejects.toThrow('No such file')
    await bed().exec('a', ['nft', 'delete', 'table', 'inet', 'mine'])
  })

  it('reaps what its processes leave behind', async () => {
    await execOverSsh(bed().hosts.a, '(sleep 0.1 &)')
    await eventually(
      async () => {
        const { stdout } = await bed().exec('a', ['ps', '-e', '-o', 'stat=,comm='])
        return /sleep 0|^Z/m.test(stdout) ? { done: false, seen: stdout } : { done: true, value: true }
      },
      { within: '5s', every: '50ms', describe: 'no zombie' },
    )
  })

  it('falls silent, and only there, when the management cable is pulled', async () => {
    const { hosts, addresses, ports } = bed()
    await bed().cutManagement('a')
    await expect(execOverSsh(hosts.a, 'true')).rejects.toThrow(/time|EHOSTUNREACH/i)
    expect(await execOverSsh(hosts.b, 'hostname')).toMatchObject({ said: 'west-b\n' })
    expect(await say(bed(), 'b', addresses.a.ipv4, ports.data, 'ping')).toBe('pong')
    expect(await say(bed(), 'a', addresses.b.ipv6, ports.data, 'ping')).toBe('pong')
    await bed().restoreManagement('a')
    await eventually(async () => ({ done: true, value: await execOverSsh(hosts.a, 'true') }), {
      within: '10s',
      every: '100ms',
      describe: 'SSH to a',
    })
  })

  it('loses sshd alone when that is killed, and gets it back', async () => {
    const { hosts, addresses, ports } = bed()
    const cut = execOverSsh(hosts.a, 'sleep 30; echo survived')
    cut.catch(() => undefined)
    await eventually(
      async () => {
        const { stdout } = await bed().exec('a', ['pgrep', '-x', 'sleep'])
        return stdout.trim().split('\n').length > 1 ? { done: true, value: true } : { done: false, seen: stdout }
      },
      { within: '5s', every: '20ms', describe: 'the command' },
    )
    await bed().killSshd('a')
    expect((await cut.catch((error: Error) => error.message)) as unknown).not.toMatchObject({ code: 0 })
    await expect(execOverSsh(hosts.a, 'true')).rejects.toThrow(/ECONNREFUSED/)
    expect(await say(bed(), 'b', addresses.a.ipv4, ports.data, 'ping')).toBe('pong')
    await bed().startSshd('a')
    expect(await execOverSsh(hosts.a, 'hostname')).toMatchObject({ said: 'east-a\n' })
  })
})

describe('a bed whose SSH comes over the network between its machines', () => {
  const bed = needsBed('sshd', () => startSshdBed({ ssh: 'data' }))

  it('has no other network', async () => {
    const { hosts, addresses } = bed()
    expect(hosts.a.shell).toMatchObject({ host: addresses.a.ipv4 })
    const { said } = await execOverSsh(hosts.a, 'ip -brief addr show; echo "$SSH_CONNECTION"')
    expect(said).not.toContain('mgmt0')
    expect(said).toContain(` ${addresses.a.ipv4} 22`)
    expect(hosts.a.managementNetworks).toEqual([])
  })
})

describe('the end of a bed', () => {
  needs('sshd')
  const ends: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ends) await end()
  })

  it('leaves no namespace, no process and no interface, and does not touch another bed', async () => {
    const before = await bedInterfaces()
    const beds = await Promise.all([startSshdBed(), startSshdBed()])
    ends.push(...beds.map((bed) => async () => bed[Symbol.asyncDispose]()))
    const [first, second] = beds
    const theirs = await namespacesOf(first)
    expect(processesIn(theirs).length).toBeGreaterThanOrEqual(6)
    expect(await bedInterfaces()).toHaveLength(before.length + 2)

    await first[Symbol.asyncDispose]()
    expect(processesIn(theirs)).toEqual([])
    expect(await bedInterfaces()).toHaveLength(before.length + 1)
    expect(await execOverSsh(second.hosts.a, 'hostname')).toMatchObject({ code: 0 })
    await second[Symbol.asyncDispose]()
    expect(await bedInterfaces()).toEqual(before)
  })

  it('comes with the death of the process that started it', async () => {
    const before = await bedInterfaces()
    const holder = spawn(process.execPath, ['scripts/run-ts.mjs', 'tests/hosts/beds/bed-holder.main.ts'], {
      cwd: REPOSITORY,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(holder, 'exit')
    const [line] = (await once(createInterface({ input: holder.stdout }), 'line')) as [string]
    const { pid, namespaces } = z.object({ pid: z.number(), namespaces: z.array(z.string()) }).parse(JSON.parse(line))
    expect(processesIn(namespaces).length).toBeGreaterThanOrEqual(6)
    process.kill(pid, 'SIGKILL')
    await ended
    await eventually(
      async () => {
        const left = [...processesIn(namespaces), ...(await bedInterfaces()).filter((name) => !before.includes(name))]
        return left.length === 0 ? { done: true, value: true } : { done: false, seen: left.join(', ') }
      },
      { within: '10s', every: '50ms', describe: 'nothing to be left of the bed' },
    )
  })
})
