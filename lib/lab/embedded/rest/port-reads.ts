import type { Member } from './collection.ts'
import type { RequestContext } from './context.ts'
import { find, jobElements, list, metricsAnswer, one, operatorOf, peOf, plain, portOf, settled } from './lookup.ts'
import { operatorSample } from './metrics.ts'
import { get, type Route } from './router.ts'

type Direction = 'input' | 'output'

const PORTS = { input: 'inputPorts', output: 'outputPorts' } as const
const OPERATOR_PORT = { input: 'operatorInputPort', output: 'operatorOutputPort' } as const
const PE_PORT = { input: 'peInputPort', output: 'peOutputPort' } as const

/** Reads of the ports of operators and PEs. */
export const portReads: readonly Route[] = (['input', 'output'] as const).flatMap((direction) => [
  ...operatorPorts(direction),
  ...pePorts(direction),
])

function operatorPorts(direction: Direction): Route[] {
  const base = `instances/:instance/jobs/:job/operators/:operator/${direction}ports`
  return [
    get(base, (c) => {
      const { job, operator } = operatorOf(c)
      const ports = operator[PORTS[direction]].map((_, i) => jobElements(c).operatorPort(job, operator, direction, i))
      return list(c, PORTS[direction], OPERATOR_PORT[direction], plain(ports))
    }),
    get(`${base}/:port`, (c) => {
      const { job, operator, index } = portOf(c, direction)
      return one(c, jobElements(c).operatorPort(job, operator, direction, index))
    }),
    get(`${base}/:port/metrics`, async (c) => {
      await settled(c)
      const { operator, index } = portOf(c, direction)
      const sample = operatorSample(c.site, operator.pe, operator.name)
      const port = sample.operator?.[PORTS[direction]].find((candidate) => candidate.index === index)
      return metricsAnswer(c, port?.metrics ?? [], sample.at)
    }),
    get(`${base}/:port/connections`, (c) => {
      const { job, operator, index } = portOf(c, direction)
      const port = JSON.stringify(jobElements(c).operatorPort(job, operator, direction, index)['self'])
      const end = direction === 'input' ? 'target' : 'source'
      const connections = jobElements(c).operatorConnections(job)
      const own = connections.filter(({ element }) => JSON.stringify(element[end]).includes(port))
      return list(c, 'connections', 'operatorConnection', own)
    }),
  ]
}

function pePorts(direction: Direction): Route[] {
  const base = `instances/:instance/pes/:pe/${direction}ports`
  return [
    get(base, (c) => list(c, PORTS[direction], PE_PORT[direction], pePortsOf(c, direction))),
    get(`${base}/:port`, (c) => one(c, find(pePortsOf(c, direction), PE_PORT[direction], c.params['port'] ?? ''))),
    get(`${base}/:port/metrics`, (c) => metricsAnswer(c, [], 0)),
  ]
}

/** A PE of the lab has one port each way, if any stream crosses its border that way. */
function pePortsOf(c: RequestContext, direction: Direction): Member[] {
  const pe = peOf(c)
  const job = c.site.jobOf(pe)
  const crossing = job.connections().some(({ from, to }) => {
    return from.pe !== to.pe && (direction === 'input' ? to.pe : from.pe) === pe
  })
  if (!crossing) return []
  const { element } = jobElements(c).pe(pe)
  const self = `${String(element['self'])}/${direction}ports/0`
  return plain([
    {
      resourceType: PE_PORT[direction],
      restid: '0',
      id: '0',
      self,
      indexWithinPE: 0,
      transportType: 'tcp',
      pe: element['self'],
      job: element['job'],
      connections: element['connections'],
      metrics: `${self}/metrics`,
    },
  ])
}
