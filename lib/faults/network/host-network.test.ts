import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { firewallOf, requireInterface, requirePeers, requirePrivilege } from './host-checks.ts'
import type { HostNetwork } from './host-network.ts'
import { readSurvey } from './survey-host.ts'
import { SURVEY_SCRIPT } from './survey-script.ts'

const TEXT = `\
uid	0
tool	nft	missing
tool	iptables	works	/usr/sbin/iptables	iptables v1.8.9 (nf_tables)
restore	iptables	/usr/sbin/iptables-restore
filter	ip
chains	ip
chain	ip	INPUT
tool	ip6tables	fails	/usr/sbin/ip6tables	Fatal: can't open lock file
tool	tc	works	/usr/sbin/tc	tc utility, iproute2-6.1.0
qdisc	qdisc noqueue 0: dev lo root refcnt 2 
qdisc	qdisc htb 1: dev eth0 root refcnt 2 r2q 10 default 0
qdisc	qdisc netem 20: dev eth0 parent 1:2 limit 1000 delay 10ms
qdisc	qdisc ingress ffff: dev eth0 parent ffff:fff1 ---------------- 
tool	ip	works	/usr/sbin/ip	ip utility, iproute2-6.1.0
link	1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
link	2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
addr	1: lo    inet 127.0.0.1/8 scope host lo
addr	2: eth0    inet6 FD00::1/64 scope global
control	::ffff:192.0.2.9 50000 ::ffff:192.0.2.1 2222
peer	west	10.0.0.2	10.0.0.2 via 10.0.1.254 dev eth0 src 10.0.1.1 uid 0 \\    cache 
peer	fd00::9	fd00::9		RTNETLINK answers: Network is unreachable
unresolved	nobody	the name is not known there
end
`
const rows = (text: string) => text.split('\n').map((line) => line.split('\t'))
const read = (text = TEXT, networks: readonly string[] = []): HostNetwork => readSurvey('east-a', networks, rows(text))

describe('the survey of the network of a host', () => {
  it('is read whole', () => {
    expect(read()).toEqual({
      host: 'east-a',
      isRoot: true,
      tools: {
        nft: { works: false, problem: 'is not installed' },
        iptables: { works: true, path: '/usr/sbin/iptables', version: 'iptables v1.8.9 (nf_tables)' },
        ip6tables: { works: false, path: '/usr/sbin/ip6tables', problem: "Fatal: can't open lock file" },
        tc: { works: true, path: '/usr/sbin/tc', version: 'tc utility, iproute2-6.1.0' },
        ip: { works: true, path: '/usr/sbin/ip', version: 'ip utility, iproute2-6.1.0' },
      },
      control: { clientAddress: '192.0.2.9', clientPort: 50_000, serverAddress: '192.0.2.1', serverPort: 2222 },
      managementNetworks: [],
      interfaces: ['lo', 'eth0'],
      ownAddresses: [
        { address: '127.0.0.1', family: 4, interface: 'lo' },
        { address: 'fd00::1', family: 6, interface: 'eth0' },
      ],
      peers: [
        {
          given: 'west',
          address: '10.0.0.2',
          family: 4,
          route: { interface: 'eth0', source: '10.0.1.1', gateway: '10.0.1.254' },
        },
        {
          given: 'fd00::9',
          address: 'fd00::9',
          family: 6,
          route: { problem: 'RTNETLINK answers: Network is unreachable' },
        },
      ],
      unresolved: [{ given: 'nobody', problem: 'the name is not known there' }],
      qdiscs: [
        {
          interface: 'lo',
          kind: 'noqueue',
          handle: '0:',
          parent: 'root',
          text: 'qdisc noqueue 0: dev lo root refcnt 2',
        },
        {
          interface: 'eth0',
          kind: 'htb',
          handle: '1:',
          parent: 'root',
          text: 'qdisc htb 1: dev eth0 root refcnt 2 r2q 10 default 0',
        },
        {
          interface: 'eth0',
          kind: 'netem',
          handle: '20:',
          parent: '1:2',
          text: 'qdisc netem 20: dev eth0 parent 1:2 limit 1000 delay 10ms',
        },
        {
          interface: 'eth0',
          kind: 'ingress',
          handle: 'ffff:',
          parent: 'ffff:fff1',
          text: 'qdisc ingress ffff: dev eth0 parent ffff:fff1 ----------------',
        },
      ],
      filters: { 4: { table: true, chains: ['INPUT'] }, 6: { table: false, chains: undefined } },
    })
  })

  it('refuses a host that is controlled over SSH and does not tell from where', () => {
    const hidden = TEXT.replace(/control.*/, 'control\tunknown\tsshd')
    expect(() => read(hidden)).toThrow(/controlled over SSH, but it does not tell from where.*SSH_CONNECTION/)
    expect(read(TEXT.replace(/control.*\n/, '')).control).toBeUndefined()
  })

  it('says what is missing, with the remedy', () => {
    const network = read()
    expect(firewallOf(network, [4])).toEqual({ kind: 'iptables', programs: { 4: '/usr/sbin/iptables' } })
    expect(() => firewallOf(network, [4, 6])).toThrow(
      /nft is not installed; ip6tables fails \(Fatal: can't open lock file\)\. Install nftables or iptables/,
    )
    expect(() => firewallOf(network, [4], 'nft')).toThrow(/Install nft, or leave the choice to the host/)
    expect(() => requireInterface(network, 'eth7')).toThrow(/no network interface "eth7"\. Its interfaces: lo, eth0/)
    expect(() => requirePrivilege({ ...network, isRoot: false })).toThrow(/do not run as root.*sudo/)
    expect(() => requirePeers(network)).toThrow(/east-a cannot resolve nobody/)
    const lost = { ...network, unresolved: [], peers: network.peers.slice(1) }
    expect(() => requirePeers(lost)).toThrow(/no way to fd00::9: .*unreachable/)
    expect(requirePeers({ ...lost, peers: network.peers }).map(({ address }) => address)).toEqual(['10.0.0.2'])
    expect(() => requirePeers({ ...network, unresolved: [], peers: [] })).toThrow(/No address of the far side is known/)
    const noRestore = read(TEXT.replace(/restore.*\n/, ''))
    expect(() => firewallOf(noRestore, [4])).toThrow(/no \/usr\/sbin\/iptables-restore beside it/)
  })
})

const SHELLS = [['sh'], ['dash'], ['bash', '--posix'], ['busybox', 'ash']].filter(
  ([file = '', ...args]) => spawnSync(file, [...args, '-c', 'exit 0']).status === 0,
)

describe.each(SHELLS.map((shell) => ({ shell, name: shell.join(' ') })))(
  'the script of the survey',
  ({ shell, name }) => {
    it(`runs in ${name} to its end, and finds who controls it past a clean environment`, () => {
      const [file = '', ...args] = shell
      const ours = { PATH: process.env['PATH'], SSH_CONNECTION: '192.0.2.9 50000 192.0.2.1 22' }
      const survey = ['env', '-u', 'SSH_CONNECTION', file, ...args, '-c', SURVEY_SCRIPT, 'sh', '127.0.0.1', '-n']
      // The variable is in the environment of the parent alone, as above a sudo.
      const out = execFileSync('sh', ['-c', '"$@"; exit $?', 'sh', ...survey], {
        encoding: 'utf8',
        env: ours,
        // A bash whose input is a socket takes itself for a remote login and reads ~/.bashrc.
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const network = readSurvey('here', [], rows(out))
      expect(out.endsWith('\nend\n')).toBe(true)
      expect(network.isRoot).toBe(process.getuid?.() === 0)
      if (process.platform !== 'linux') return
      expect(network.control).toMatchObject({ clientAddress: '192.0.2.9', serverPort: 22 })
      if (network.tools.ip.works) {
        expect(network.interfaces).toContain('lo')
        expect(network.peers[0]).toMatchObject({ given: '127.0.0.1', route: 'local' })
      }
    })
  },
)
