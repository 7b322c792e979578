import type { CallOptions } from './connection.ts'
import type { DialectCall } from './dialect.ts'
import { allocationSchema, hostSchema, serviceSchema, type Host } from './elements.ts'
import { change } from './lifecycle.ts'
import type { ChangeOptions, ManagementClient, Ref } from './management.ts'
import { callOf, type Navigator } from './navigation.ts'

type HostCalls = Pick<ManagementClient, 'hosts' | 'allocations' | 'services' | 'quiesceHost' | 'resumeHost'>

const HOSTS = { key: 'resources', schema: hostSchema }
const ALLOCATIONS = { key: 'resourceAllocations', schema: allocationSchema }
const SERVICES = { key: 'activeServices', schema: serviceSchema }

/** Hosts of the domain, and what the instance has of them. */
export function hostCalls(navigator: Navigator): HostCalls {
  const { dc, dialect } = navigator.transport
  const hostsLink = async (options: CallOptions): Promise<string> =>
    navigator.link(await navigator.domain(undefined, options), 'resources')
  const ofInstance = async (name: string, options: CallOptions): Promise<string> =>
    navigator.link(await navigator.instance(undefined, options), name)
  const read = (host: Ref, options: CallOptions): Promise<Host> =>
    navigator.element(host, HOSTS, 'host', () => hostsLink(options), options)

  const turn = async (host: Ref, call: DialectCall, target: string, options: ChangeOptions = {}): Promise<Host> => {
    const element = await read(host, callOf(options))
    return change(
      navigator,
      {
        element,
        call,
        repeatable: true,
        read: (inner) => read(element, inner),
        done: (current) => current.status === target,
        seen: (current) => `host ${current.id} is ${current.status}`,
        describe: `host ${element.id} of ${dc} to be ${target}`,
      },
      options,
    )
  }
  return {
    hosts: (options = {}) => navigator.list(HOSTS, () => hostsLink(callOf(options)), options),
    allocations: (options = {}) =>
      navigator.list(ALLOCATIONS, () => ofInstance('resourceAllocations', callOf(options)), options),
    services: (options = {}) => navigator.list(SERVICES, () => ofInstance('activeServices', callOf(options)), options),
    quiesceHost: (host, options) => turn(host, dialect.calls.quiesceHost, 'quiesced', options),
    resumeHost: (host, options) => turn(host, dialect.calls.resumeHost, 'running', options),
  }
}
