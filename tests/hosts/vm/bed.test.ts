import { describe, expect, it } from 'vitest'
import { must } from '../beds/namespaces.ts'
import { needs, needsBed } from '../beds/need.ts'
import { execOverSsh, roundTripMs, say } from '../beds/testing.ts'
import { startVmBed } from '../beds/vm.ts'

describe('a bed in a VM', () => {
  const bed = needsBed('vm', startVmBed)

  it('lets root in to both machines', async () => {
    console.log(`The VM was up after ${(bed().bootMs / 1000).toFixed(1)} s.`)
    expect(await execOverSsh(bed().hosts.a, 'id -un; hostname; cat /proc/1/comm')).toEqual({
      code: 0,
      said: 'root\neast-a\nsleep\n',
    })
    expect(await execOverSsh(bed().hosts.b, 'ip netns identify $$')).toEqual({ code: 0, said: 'peer\n' })
    expect(await execOverSsh(bed().hosts.a, 'ls -d /run/systemd/system')).toMatchObject({ code: 2 })
    expect(await execOverSsh(bed().hosts.a, 'busybox ash -c "echo in ash"')).toEqual({ code: 0, said: 'in ash\n' })
  })

  it('joins them by IPv4 and IPv6, and answers on every port', async () => {
    const { addresses, ports } = bed()
    for (const address of [addresses.b.ipv4, addresses.b.ipv6]) {
      for (const port of Object.values(ports)) expect(await say(bed(), 'a', address, port, 'ping')).toBe('pong')
    }
    expect(await say(bed(), 'b', addresses.a.ipv6, ports.data, 'send 3\n')).toBe('xxxpong')
  })

  it('has a kernel that delays packets', async () => {
    const { addresses, ports } = bed()
    const roundTrip = () => roundTripMs(bed(), 'a', addresses.b.ipv4, ports.heartbeat)
    const before = await roundTrip()
    expect(before).toBeLessThan(80)
    expect((await bed().exec('a', ['tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'netem', 'delay', '100ms'])).code).toBe(
      0,
    )
    expect(await roundTrip()).toBeGreaterThanOrEqual(100)
    await bed().exec('a', ['tc', 'qdisc', 'del', 'dev', 'eth0', 'root'])
    expect(await roundTrip()).toBeLessThan(80)
  })

  it.each([
    ['nft add table inet t && nft delete table inet t'],
    ['iptables -A OUTPUT -m statistic --mode random --probability 0.1 -p tcp --dport 1 -j DROP && iptables -F OUTPUT'],
    ['ip6tables -A OUTPUT -p tcp --dport 1 -j REJECT --reject-with tcp-reset && ip6tables -F OUTPUT'],
    ['tc qdisc add dev eth0 root tbf rate 1mbit burst 10k latency 50ms && tc qdisc del dev eth0 root'],
    [
      'tc qdisc add dev eth0 root handle 7a: prio bands 4 && tc qdisc add dev eth0 parent 7a:4 netem loss 10% && tc filter add dev eth0 parent 7a: protocol ip u32 match ip dst 10.214.0.3/32 flowid 7a:4 && tc qdisc del dev eth0 root',
    ],
    ['modprobe -a ifb sch_ingress act_mirred cls_flower cls_matchall sch_htb'],
  ])('can do %s', async (command) => {
    expect(await execOverSsh(bed().hosts.a, command)).toEqual({ code: 0, said: '' })
  })

  it('falls silent, and only there, when a management cable is pulled', async () => {
    await bed().cutManagement('a')
    await expect(execOverSsh(bed().hosts.a, 'true')).rejects.toThrow(/time/i)
    expect(await execOverSsh(bed().hosts.b, 'true')).toMatchObject({ code: 0 })
    expect((await bed().exec('a', ['cat', '/sys/class/net/eth0/carrier'])).stdout).toBe('1\n')
    await bed().restoreManagement('a')
    expect(await execOverSsh(bed().hosts.a, 'true')).toMatchObject({ code: 0 })
  })

  it('loses sshd alone when that is killed, and gets it back', async () => {
    await bed().killSshd('b')
    await expect(execOverSsh(bed().hosts.b, 'true')).rejects.toThrow()
    expect(await execOverSsh(bed().hosts.a, 'true')).toMatchObject({ code: 0 })
    await bed().startSshd('b')
    expect(await execOverSsh(bed().hosts.b, 'true')).toMatchObject({ code: 0 })
  })

  it('forgets everything on a reset but what had reached its disk', async () => {
    const before = await bed().bootId()
    const write = 'echo synced >/mnt/state/synced; sync; echo lost >/mnt/state/lost; echo lost >/root/lost; sleep 1000'
    const cut = execOverSsh(bed().hosts.a, write)
    cut.catch(() => undefined)
    await bed().exec('a', { script: 'until [ -e /root/lost ]; do sleep 0.1; done' })
    await bed().reset()
    await expect(cut).rejects.toThrow()
    expect(await bed().bootId()).not.toBe(before)
    const { said } = await execOverSsh(bed().hosts.a, 'cat /mnt/state/synced; ls /mnt/state /root; pgrep -x sleep')
    expect(said).toContain('synced\n')
    expect(said).not.toMatch(/^lost$/m)
    expect(said.match(/^\d+$/gm)).toEqual(['1'])
    expect(await say(bed(), 'b', bed().addresses.a.ipv4, bed().ports.data, 'ping')).toBe('pong')
  })
})

describe('the end of a VM', () => {
  needs('vm')

  it('leaves no process and no file', async () => {
    const bed = await startVmBed()
    const found = async () =>
      (await must({ script: 'pgrep -af "[q]emu-system.*$1" || true', args: [bed.directory] })).trim()
    expect(await found()).not.toBe('')
    await bed[Symbol.asyncDispose]()
    expect(await found()).toBe('')
    await expect(must(['ls', bed.directory])).rejects.toThrow('No such file')
  })
})
