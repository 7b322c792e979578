/** Faults on the network of real hosts that cannot be, or would cut us off: refused before anything is armed, with the remedy. */
import { describe, expect, it } from 'vitest'
import { messageOf } from '../../lib/core/index.ts'
import {
  FaultTargetError,
  hostIsolation,
  networkPartition,
  oneWayPartition,
  portBlock,
  type Fault,
} from '../../lib/faults/index.ts'
import { openShell } from '../../lib/hosts/index.ts'
import { needsBed } from './beds/need.ts'
import { startSshdBed } from './beds/sshd.ts'
import { changesSince, statesOf, withEngine, type BenchChanges } from './network/bench.ts'

describe('a fault that cannot be', () => {
  const bed = needsBed('sshd', startSshdBed)

  /** The message of a refusal; nothing may have been armed or changed. */
  async function refusal(fault: Fault, changes: BenchChanges = {}): Promise<string> {
    const before = await statesOf(bed())
    const error = await withEngine(
      bed(),
      async ({ engine, events }) => {
        const reason: unknown = await engine.inject(fault).catch((caught: unknown) => caught)
        expect(events.filter((event) => event.type === 'fault' && event.state === 'armed')).toEqual([])
        return reason
      },
      changes,
    )
    expect(error).toBeInstanceOf(FaultTargetError)
    expect(await changesSince(bed(), before)).toEqual([])
    return messageOf(error)
  }

  /** West at other addresses, as east is told. */
  function westAt(addresses: readonly string[], managementNetworks: readonly string[] = []): BenchChanges {
    const { a, b } = bed().hosts
    return {
      hosts: [
        { ...a, managementNetworks },
        { ...b, addresses },
      ],
    }
  }

  const partition = networkPartition('east', 'west')

  it.each([
    ['no-such-host.invalid', /cannot resolve no-such-host\.invalid.*Give the address/],
    ['127.0.0.1', /127\.0\.0\.1 is an address of east-a itself/],
    ['::1', /::1 is an address of east-a itself/],
    ['localhost', /localhost \(.*\) is an address of east-a itself/],
    ['not a host; reboot', /"not a host; reboot" is neither an address nor a host name/],
  ])('is refused: the far side is %s', async (address, message) => {
    expect(await refusal(partition, westAt([address]))).toMatch(message)
  })

  it('is refused: the far side is the host itself, in another spelling', async () => {
    const { ipv4, ipv6 } = bed().addresses.a
    for (const own of [ipv6.toUpperCase(), `::ffff:${ipv4}`]) {
      expect(await refusal(partition, westAt([own]))).toMatch(/is an address of east-a itself/)
    }
  })

  it('is refused: the far side lies in a management network, or that is no network', async () => {
    const { ipv4 } = bed().addresses.b
    expect(await refusal(partition, westAt([ipv4], [`${ipv4}/30`]))).toMatch(/lies in a management network of east-a/)
    expect(await refusal(partition, westAt([ipv4], ['10.0.0.0/99']))).toMatch(/"10\.0\.0\.0\/99" is not a network/)
  })

  it('is refused: the far side is where we come from', async () => {
    await using shell = openShell(bed().hosts.a)
    const connection = await shell.run({ script: 'echo "$SSH_CONNECTION"' }, { within: '5s' })
    const [client = ''] = connection.stdout.split(' ')
    expect(await refusal(partition, westAt([client]))).toMatch(/is where east-a is controlled from over SSH/)
  })

  it('is refused: nobody is root', async () => {
    const { sudo, ...plain } = bed().hostAs('deploy', 'a')
    expect(sudo).toBe(true)
    const hosts = [{ ...plain, leaseDirectory: '/tmp/leases' }, bed().hosts.b]
    expect(await refusal(partition, { hosts })).toMatch(/On east-a commands do not run as root.*sudo/)
  })

  it('is refused: there is neither nft nor iptables', async () => {
    const hide = (names: string) =>
      bed().exec('a', { script: `for name in ${names}; do mount --bind /dev/null "$(command -v "$name")"; done` })
    const show = (names: string) =>
      bed().exec('a', { script: `for name in ${names}; do umount "$(readlink -f "/usr/sbin/$name")"; done` })
    await hide('nft iptables ip6tables')
    try {
      await withEngine(bed(), async ({ engine }) => {
        const error: unknown = await engine.inject(partition).catch((reason: unknown) => reason)
        expect(messageOf(error)).toMatch(
          /east-a has no packet filter that works: nft is not installed; iptables is not installed/,
        )
      })
    } finally {
      await show('nft iptables')
    }
  })

  it('is refused: no host has a shell, the port is that of SSH, or nothing listens on it', async () => {
    expect(await refusal(partition, { hosts: [] })).toMatch(/has no host with a shell at east or west/)
    expect(await refusal(portBlock({ dc: 'west', port: 22 }))).toMatch(
      /Port 22 of west-b is the one that it is controlled/,
    )
    expect(await refusal(portBlock({ dc: 'west', port: 4711 }))).toMatch(/does not answer before the fault.*is reset/)
    expect(await refusal(portBlock({ dc: 'west', port: 'management' }))).toMatch(/knows no management port of west/)
    expect(await refusal(hostIsolation('west-z'))).toMatch(/no host west-z.*east-a, west-b/)
    const one = { environment: { links: [] } }
    expect(await refusal(oneWayPartition({ from: 'east', to: 'west' }), one)).toMatch(
      /knows no links from east to west/,
    )
  })
})
