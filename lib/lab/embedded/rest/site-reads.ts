import { page } from './collection.ts'
import { ok, type Answer, type RequestContext } from './context.ts'
import { find, hostOf, list, metricsAnswer, one, plain, siteElements } from './lookup.ts'
import { empty, get, type Route } from './router.ts'

const DOMAIN_SERVICES = ['aas', 'controller', 'jmx', 'rest', 'sws']
const INSTANCE_SERVICES = ['app', 'sam', 'srm', 'view']
const ENTRIES = ['domains', 'installations', 'instances']

/** Reads of the root, the domain, the instance, its hosts and services. */
export const siteReads: readonly Route[] = [
  get('resources', (c) => {
    const resources = ENTRIES.map((name) => ({ name, resource: c.links.at(name) }))
    return ok({ resources, resourceType: 'resourceList', total: resources.length })
  }),
  get('installations', empty('installations', 'installation')),
  get('domains', (c) => list(c, 'domains', 'domain', plain([siteElements(c).domain()]))),
  get('domains/:domain', (c) => one(c, siteElements(c).domain())),
  get('domains/:domain/resources', (c) => {
    const hosts = c.site.hosts.map((host) => siteElements(c).resource(host))
    return list(c, 'resources', 'resource', plain(hosts))
  }),
  get('domains/:domain/resources/:host', (c) => one(c, siteElements(c).resource(hostOf(c)))),
  get('domains/:domain/resources/:host/metrics', hostMetrics),
  get('domains/:domain/resources/:host/activeservices', domainServices),
  get('domains/:domain/resources/:host/allocations', (c) => {
    return list(c, 'resourceAllocations', 'resourceAllocation', plain([siteElements(c).allocation(hostOf(c))]))
  }),
  get('domains/:domain/resourceallocations', allocations),
  get('domains/:domain/activeservices', domainServices),
  get('domains/:domain/activeservices/:service', (c) => {
    const services = DOMAIN_SERVICES.map((type) => siteElements(c).service(type, 'domain'))
    return one(c, find(services, 'activeService', c.params['service'] ?? ''))
  }),
  get('instances', (c) => list(c, 'instances', 'instance', plain([siteElements(c).instance()]))),
  get('instances/:instance', (c) => one(c, siteElements(c).instance())),
  get('instances/:instance/resourceallocations', allocations),
  get('instances/:instance/jobs/:job/resourceallocations', allocations),
  get('instances/:instance/resourceallocations/:host', (c) => one(c, siteElements(c).allocation(hostOf(c)))),
  get('instances/:instance/resourceallocations/:host/activeservices', instanceServices),
  get('instances/:instance/hosts', hosts),
  get('instances/:instance/jobs/:job/hosts', hosts),
  get('instances/:instance/hosts/:host', (c) => one(c, siteElements(c).host(hostOf(c)))),
  get('instances/:instance/hosts/:host/metrics', hostMetrics),
  get('instances/:instance/activeservices', instanceServices),
  get('instances/:instance/activeservices/:service', (c) => {
    const services = INSTANCE_SERVICES.map((type) => siteElements(c).service(type, 'instance'))
    return one(c, find(services, 'activeService', c.params['service'] ?? ''))
  }),
  get('instances/:instance/jobgroups', (c) => {
    return list(c, 'jobGroups', 'jobGroup', plain([siteElements(c).jobGroup('default')]))
  }),
  get('instances/:instance/jobgroups/:group', (c) => {
    return one(c, find(plain([siteElements(c).jobGroup('default')]), 'jobGroup', c.params['group'] ?? ''))
  }),
  get('instances/:instance/views', empty('views', 'view')),
  get('instances/:instance/activeviews', empty('views', 'activeView')),
  get('instances/:instance/configuredviews', empty('views', 'configuredView')),
  get('instances/:instance/exportedstreams', empty('exportedStreams', 'exportedStream')),
  get('instances/:instance/importedstreams', empty('importedStreams', 'importedStream')),
]

function allocations(c: RequestContext): Answer {
  const all = c.site.hosts.map((host) => siteElements(c).allocation(host))
  return list(c, 'resourceAllocations', 'resourceAllocation', plain(all))
}

function hosts(c: RequestContext): Answer {
  return list(c, 'hosts', 'host', plain(c.site.hosts.map((host) => siteElements(c).host(host))))
}

/** The lab's hosts are stand-ins: they have no metrics of their own. */
function hostMetrics(c: RequestContext): Answer {
  hostOf(c)
  return metricsAnswer(c, [], 0)
}

function domainServices(c: RequestContext): Answer {
  const members = DOMAIN_SERVICES.map((type) => siteElements(c).service(type, 'domain'))
  return ok(page({ key: 'activeServices', resourceType: 'activeService', members }, c.self))
}

function instanceServices(c: RequestContext): Answer {
  const members = INSTANCE_SERVICES.map((type) => siteElements(c).service(type, 'instance'))
  return ok(page({ key: 'activeServices', resourceType: 'activeService', members }, c.self))
}
