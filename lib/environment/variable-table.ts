import { z } from 'zod'
import { HOST_VARIABLES } from './host-variables.ts'
import { LIVE_VARIABLES } from './live-variables.ts'
import { argv, httpsUrl, list, scale, text, yesNo, type VariableDescription } from './variable.ts'

export type { VariableDescription, VariableScope } from './variable.ts'

/** Every variable that this library reads. `.env.example` is made from this table. */
export const VARIABLES: readonly VariableDescription[] = [
  {
    name: 'FAILOVER_TARGET',
    scope: 'target',
    field: 'target',
    schema: z.enum(['embedded', 'containers', 'live'], { error: "must be 'embedded', 'containers' or 'live'" }),
    example: 'embedded',
    description:
      'What the specs run against: embedded (two data centres as processes on this machine; the default), containers (two data centres in Docker, with sshd and real kernel networking) or live (real sites, given by the variables below).',
  },
  {
    name: 'REST_URL',
    scope: 'site',
    field: 'management.url',
    schema: httpsUrl,
    required: true,
    example: 'https://east.example.com:9714/streams',
    description: 'Root of the REST management API, base path included; what `streamtool geturl --api` prints.',
  },
  {
    name: 'DATA_URL',
    scope: 'site',
    field: 'data.url',
    schema: httpsUrl,
    required: true,
    example: 'https://east.example.com:9980',
    description: 'Top-level URL of the data exchange service.',
  },
  {
    name: 'USERNAME',
    scope: 'site',
    field: 'username',
    schema: text,
    required: true,
    example: 'failover',
    description: 'User of both services. Needs to list and cancel jobs, submit them, and start and stop the instance.',
  },
  {
    name: 'PASSWORD',
    scope: 'site',
    field: 'password',
    schema: text,
    secret: true,
    required: true,
    example: '',
    description: 'Password of that user. Never printed or stored by this library; keep it out of version control.',
  },
  {
    name: 'INSTANCE',
    scope: 'site',
    field: 'instance',
    schema: text,
    example: 'StreamsInstance',
    description: 'Id of the Streams instance. Default: StreamsInstance.',
  },
  {
    name: 'DOMAIN',
    scope: 'site',
    field: 'domain',
    schema: text,
    example: 'StreamsDomain',
    description: 'Id of the Streams domain, for reports.',
  },
  {
    name: 'LABEL',
    scope: 'site',
    field: 'label',
    schema: text,
    example: 'Frankfurt',
    description: 'What people call this data centre. Default: east or west.',
  },
  {
    name: 'JOB',
    scope: 'site',
    field: 'application.job',
    schema: text,
    example: 'failover-app',
    description: 'Name of the job, where it differs from the environment’s declaration.',
  },
  {
    name: 'BUNDLE',
    scope: 'site',
    field: 'application.bundle',
    schema: text,
    example: 'build/failover-app.sab',
    description:
      'Path on this machine of the bundle with which a cancelled job is submitted again. Default: the declaration’s.',
  },
  {
    name: 'CONFIG_FILE',
    scope: 'site',
    field: 'application.parameters.configFileName',
    schema: text,
    example: '/opt/failover/crossdc-config.txt',
    description: 'Path at the site of the toolkit’s configuration file: the submission parameter configFileName.',
  },
  {
    name: 'TOOLKIT_FILE',
    scope: 'site',
    field: 'toolkit',
    schema: text,
    example: 'config/east-crossdc-config.txt',
    description:
      'Path on this machine of a copy of that file. Predictions are made from it. Default: the values of the declaration.',
  },
  {
    name: 'CA_FILE',
    scope: 'site',
    field: 'tls.ca',
    schema: text,
    example: 'config/east-ca.pem',
    description: 'PEM file of the authority (or the self-signed certificate) to trust, instead of the system’s.',
  },
  {
    name: 'TLS_SERVERNAME',
    scope: 'site',
    field: 'tls.servername',
    schema: text,
    example: 'streams-east',
    description: 'Name that the certificate carries, where it is not the host of the URL.',
  },
  {
    name: 'TLS_VERIFY',
    scope: 'site',
    field: 'tls.rejectUnauthorized',
    schema: yesNo,
    example: 'true',
    description: 'false accepts any certificate. Default: true; better give CA_FILE.',
  },
  {
    name: 'CERT_FILE',
    scope: 'site',
    field: 'tls.cert',
    schema: text,
    with: 'KEY_FILE',
    example: 'config/east-client.pem',
    description: 'PEM file of a client certificate, where the site asks for one.',
  },
  {
    name: 'KEY_FILE',
    scope: 'site',
    field: 'tls.key',
    schema: text,
    with: 'CERT_FILE',
    example: 'config/east-client-key.pem',
    description: 'PEM file of its private key.',
  },
  {
    name: 'POWER_OFF',
    scope: 'site',
    field: 'power.off',
    schema: argv,
    with: 'POWER_ON',
    example: '["ssh", "bmc-east", "power", "off"]',
    description:
      'Command of this machine, as a JSON array of words, that takes the whole data centre down at once. Without it the crash of a data centre is not offered.',
  },
  {
    name: 'POWER_ON',
    scope: 'site',
    field: 'power.on',
    schema: argv,
    with: 'POWER_OFF',
    example: '["ssh", "bmc-east", "power", "on"]',
    description:
      'Command that brings it back. Must do nothing where it is up; instance and jobs must come back by themselves.',
  },
  ...HOST_VARIABLES,
  ...LIVE_VARIABLES,
  {
    name: 'FAILOVER_LEASE_DIR',
    scope: 'run',
    field: 'leaseDirectory',
    schema: text,
    example: '/var/tmp/failover-leases',
    description:
      'Directory for the leases of faults, on a disk that survives this process. Default: a directory of the lab, or one of your own under the system’s temporary directory for sites.',
  },
  {
    name: 'FAILOVER_SEED',
    scope: 'run',
    field: 'seed',
    schema: z.coerce
      .number({ error: 'is not a number' })
      .int('is not a whole number')
      .nonnegative('must not be negative'),
    example: '4711',
    description: 'Seed of all random choices, to repeat a run. Default: a new one, which the report names.',
  },
  {
    name: 'FAILOVER_REQUIRE',
    scope: 'run',
    field: 'require',
    schema: text,
    example: 'power,links',
    description: 'Capabilities whose lack fails a spec instead of skipping it, comma-separated, or all. For CI.',
  },
  {
    name: 'FAILOVER_CACHE_DIR',
    scope: 'run',
    field: 'cacheDirectory',
    schema: text,
    example: '/var/tmp/failover-cache',
    description:
      'Directory for bundled programs; only you may be able to write to it. Default: one under the temporary directory.',
  },
  {
    name: 'FAILOVER_LAB_IMAGE',
    scope: 'lab',
    field: 'lab.baseImage',
    schema: text,
    example: 'debian:bookworm-slim',
    description:
      'Image that the hosts of the container lab are made from, once. Default: debian:bookworm-slim. It needs sshd, ip, tc, nft and iptables, or apt-get to install them.',
  },
  {
    name: 'FAILOVER_LAB_DEFECT',
    scope: 'lab',
    field: 'lab.defects',
    schema: list,
    example: 'loses-a-key',
    description: 'Plants a defect in a lab (comma-separated for several), to see that the specs catch it.',
  },
  {
    name: 'FAILOVER_LAB_TIMESCALE',
    scope: 'lab',
    field: 'lab.timeScale',
    schema: scale,
    example: '0.2',
    description: 'Real seconds per configured second in a lab. Default: 0.2, in containers 0.5.',
  },
  {
    name: 'FAILOVER_LAB_MODE',
    scope: 'lab',
    field: 'mode',
    schema: z.enum(['active-active', 'active-passive'], { error: "must be 'active-active' or 'active-passive'" }),
    example: 'active-active',
    description: 'Mode of a lab’s pair. Default: that of the environment.',
  },
  {
    name: 'FAILOVER_LAB_DIALECT',
    scope: 'lab',
    field: 'lab.dialect',
    schema: text,
    example: '{"enums":"upperSnake"}',
    description:
      'Makes the sites of a lab show unverified vendor facts in another spelling (JSON), for tests of the clients.',
  },
]

/** The example of a variable, as one would write it for a data centre. */
export function exampleOf({ example }: Pick<VariableDescription, 'example'>, dc: 'east' | 'west' = 'east'): string {
  if (dc === 'east') return example
  const named = example.replaceAll('east', 'west').replace('Frankfurt', 'Dublin')
  return named.replaceAll('10.1.', '10.2.').replaceAll('172.20.1.', '172.20.2.').replaceAll('fd20::', 'fd21::')
}

/** Variables that processes of this library hand to each other; nobody sets them by hand. */
export const INTERNAL_VARIABLES: readonly string[] = ['FAILOVER_PE', 'FAILOVER_ROOT']

/** Full names of all variables, those of the sites for both data centres. */
export function variableNames(): string[] {
  return VARIABLES.flatMap(({ name, scope }) =>
    scope === 'site' ? [`FAILOVER_EAST_${name}`, `FAILOVER_WEST_${name}`] : [name],
  )
}
