import { readBundle, uploadBundle } from './bundle.ts'
import { configurationCalls } from './configurations.ts'
import { hostCalls } from './hosts.ts'
import { openTransport } from './http.ts'
import { jobCalls } from './jobs.ts'
import { instanceCalls } from './lifecycle.ts'
import { logCalls } from './logs.ts'
import type { ManagementClient, ManagementOptions } from './management.ts'
import { metricCalls } from './metrics.ts'
import { createNavigator, directoryCalls } from './navigation.ts'
import { operatorCalls } from './operators.ts'
import { peCalls } from './pes.ts'
import { submitJob } from './submit.ts'
import { viewCalls } from './views.ts'

/**
 * Opens a client of the management API of one data centre. Nothing is sent yet.
 * @example
 * await using east = openManagement({ dc: 'east', url: 'https://east:9714/streams', credentials: { username, password }, tls: { ca } })
 * for await (const job of east.jobs()) console.log(job.name, job.health)
 * @throws ConfigurationError
 */
export function openManagement(options: ManagementOptions): ManagementClient {
  const transport = openTransport(options)
  const navigator = createNavigator(transport, options.instance)
  const submitWithin = options.timeouts?.submit ?? '10m'
  const jobs = jobCalls(navigator)
  return {
    dc: options.dc,
    notices: transport.notices,
    get url() {
      return transport.base
    },
    ...directoryCalls(navigator),
    ...instanceCalls(navigator),
    ...hostCalls(navigator),
    ...jobs,
    ...peCalls(navigator),
    ...operatorCalls(navigator),
    ...metricCalls(navigator),
    ...viewCalls(navigator),
    ...logCalls(navigator, options.timeouts?.download ?? '5m'),
    applicationConfigurations: configurationCalls(navigator),
    async upload(bundle, call = {}) {
      const bytes = typeof bundle === 'string' ? await readBundle(options.dc, bundle) : bundle
      return uploadBundle(navigator, bytes, { ...call, within: call.within ?? submitWithin })
    },
    submit: (submission) => submitJob(navigator, jobs.findJob, submission, submitWithin),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}
