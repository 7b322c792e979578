import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eventually } from '../../../lib/core/index.ts'
import { startContainerBed } from './container.ts'
import { must } from './namespaces.ts'
import { needs, needsBed } from './need.ts'
import { execOverSsh, say } from './testing.ts'

/** Everything of Docker's that carries the label of a bed. */
async function leftovers(): Promise<readonly string[]> {
  const filter = 'label=streams-failover.bed'
  const listed = `${await must(['docker', 'ps', '-aq', '--filter', filter])}${await must(['docker', 'network', 'ls', '-q', '--filter', filter])}`
  return listed.split('\n').filter((line) => line !== '')
}

describe('a bed of containers', () => {
  const bed = needsBed('docker', startContainerBed)

  it('lets root in by key, over a host key that is known beforehand', async () => {
    expect(await execOverSsh(bed().hosts.a, 'id -un; hostname')).toEqual({ code: 0, said: 'root\neast-a\n' })
    expect(await execOverSsh(bed().hosts.b, 'hostname')).toEqual({ code: 0, said: 'west-b\n' })
  })

  it('joins its machines by IPv4 and IPv6, and answers on every port', async () => {
    const { addresses, ports } = bed()
    for (const address of [addresses.b.ipv4, addresses.b.ipv6]) {
      for (const port of Object.values(ports)) expect(await say(bed(), 'a', address, port, 'ping')).toBe('pong')
    }
    expect(await say(bed(), 'b', addresses.a.ipv6, ports.data, 'send 3\n')).toBe('xxxpong')
    expect((await bed().exec('a', ['ip', 'route', 'get', addresses.b.ipv4])).stdout).toContain('dev eth1')
  })

  it('lets root change the network, and nothing else of the kernel', async () => {
    const rules = 'nft add table inet t && nft delete table inet t && iptables -S OUTPUT && tc qdisc show dev eth1'
    expect(await execOverSsh(bed().hosts.a, rules)).toMatchObject({ code: 0 })
    expect(await execOverSsh(bed().hosts.a, 'mount -t tmpfs none /opt')).toMatchObject({ code: 32 })
  })

  it('falls silent, and only there, when the management cable is pulled', async () => {
    const { addresses, ports } = bed()
    await bed().cutManagement('a')
    await expect(execOverSsh(bed().hosts.a, 'true')).rejects.toThrow(/time|EHOSTUNREACH/i)
    expect(await execOverSsh(bed().hosts.b, 'true')).toMatchObject({ code: 0 })
    expect(await say(bed(), 'b', addresses.a.ipv4, ports.data, 'ping')).toBe('pong')
    await bed().restoreManagement('a')
    expect(await execOverSsh(bed().hosts.a, 'true')).toMatchObject({ code: 0 })
  })

  it('loses sshd alone when that is killed, and gets it back', async () => {
    await bed().killSshd('a')
    await expect(execOverSsh(bed().hosts.a, 'true')).rejects.toThrow(/ECONNREFUSED/)
    await bed().startSshd('a')
    expect(await execOverSsh(bed().hosts.a, 'true')).toMatchObject({ code: 0 })
  })
})

describe('the end of a bed of containers', () => {
  needs('docker')

  it('leaves no container and no network, also after the death of the process that started it', async () => {
    const before = await leftovers()
    const args = ['scripts/run-ts.mjs', 'tests/hosts/beds/bed-holder.main.ts', 'container']
    const holder = spawn(process.execPath, args, {
      cwd: resolve(import.meta.dirname, '../../..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(holder, 'exit')
    const [line] = (await once(createInterface({ input: holder.stdout }), 'line')) as [string]
    const { pid } = z.object({ pid: z.number() }).parse(JSON.parse(line))
    expect(await leftovers()).toHaveLength(before.length + 3)
    process.kill(pid, 'SIGKILL')
    await ended
    await eventually(
      async () => {
        const left = await leftovers()
        return left.length === before.length ? { done: true, value: true } : { done: false, seen: left.join(', ') }
      },
      { within: '30s', every: '200ms', describe: 'nothing to be left of the bed' },
    )

    const bed = await startContainerBed()
    expect(await leftovers()).toHaveLength(before.length + 3)
    await bed[Symbol.asyncDispose]()
    expect(await leftovers()).toEqual(before)
  })
})
