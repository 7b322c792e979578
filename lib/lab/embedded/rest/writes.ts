import { asObject, asText } from '../parse.ts'
import { quiesce, resume } from '../site/hosts.ts'
import type { ApplicationConfiguration } from '../site/model.ts'
import { invalidValue, notFound, Refusal } from '../site/refusal.ts'
import type { Submission } from '../site/submission.ts'
import { page, type Element } from './collection.ts'
import { ok, type Answer, type RequestContext } from './context.ts'
import { jobElements, siteElements } from './lookup.ts'
import type { Route } from './router.ts'

const CONFIGURATIONS = 'instances/:instance/applicationconfigurations'

/** Every call of the management API that changes something. */
export const writes: readonly Route[] = [
  ['PATCH', 'instances/:instance', changeInstance],
  [
    'POST',
    'instances/:instance/actions',
    (c) => {
      const type = actionType(c)
      if (type !== 'start' && type !== 'stop') throw unsupportedAction(c, type, 'instance', c.params['instance'] ?? '')
      return setInstance(c, type === 'start' ? 'started' : 'stopped')
    },
  ],
  ['POST', 'instances/:instance/applicationbundles', upload],
  ['POST', 'instances/:instance/jobs', submit],
  [
    'PATCH',
    'instances/:instance/jobs/:job',
    (c) => {
      const job = c.site.job(c.params['job'] ?? '')
      const overlay = overlayOf(json(c))
      job.stored.generationId++
      c.site.disk.save()
      return ok({ ...jobElements(c).job(job).element, results: { jobConfigOverlays: [overlay ?? {}] } })
    },
  ],
  [
    'DELETE',
    'instances/:instance/jobs/:job',
    async (c) => {
      await c.site.cancel(c.params['job'] ?? '')
      return { status: 204 }
    },
  ],
  [
    'PATCH',
    'instances/:instance/pes/:pe',
    async (c) => {
      const state = asText(json(c)['state'])?.toLowerCase()
      if (state !== 'stopped' && state !== 'started') throw invalidValue('The state of a PE is started or stopped.')
      return changePe(c, state === 'stopped' ? 'stop' : 'start')
    },
  ],
  [
    'POST',
    'instances/:instance/pes/:pe/actions',
    async (c) => {
      const type = actionType(c)
      if (type !== 'restart' && type !== 'stop' && type !== 'start')
        throw unsupportedAction(c, type, 'pe', c.params['pe'] ?? '')
      return changePe(c, type)
    },
  ],
  ['POST', 'domains/:domain/resources/:host/actions', hostAction],
  ['POST', 'instances/:instance/resourceallocations/:host/actions', hostAction],
  ['POST', 'instances/:instance/hosts/:host/actions', hostAction],
  [
    'GET',
    CONFIGURATIONS,
    (c) => {
      const members = c.site.disk.state.applicationConfigurations.map((one) => ({
        element: configurationElement(c, one),
      }))
      return ok(page({ key: 'applicationConfigurations', resourceType: 'applicationConfiguration', members }, c.self))
    },
  ],
  [
    'POST',
    CONFIGURATIONS,
    (c) => {
      const body = json(c)
      const name = asText(body['name'])
      if (!name) throw invalidValue('An application configuration needs a name.')
      const all = c.site.disk.state.applicationConfigurations
      if (all.some((known) => known.name === name)) {
        throw new Refusal(409, 'CDISA5037E', `The application configuration ${name} exists already.`)
      }
      const time = Date.now()
      const made: ApplicationConfiguration = {
        name,
        description: asText(body['description']) ?? '',
        properties: merged({}, body['properties']),
        creationTime: time,
        lastModifiedTime: time,
        owner: c.user,
      }
      all.push(made)
      c.site.disk.save()
      return { status: 201, json: configurationElement(c, made) }
    },
  ],
  ['GET', `${CONFIGURATIONS}/:name`, (c) => ok(configurationElement(c, configurationOf(c)))],
  [
    'PATCH',
    `${CONFIGURATIONS}/:name`,
    (c) => {
      const body = json(c)
      const known = configurationOf(c)
      known.description = asText(body['description']) ?? known.description
      known.properties = merged(known.properties, body['properties'])
      known.lastModifiedTime = Date.now()
      c.site.disk.save()
      return ok(configurationElement(c, known))
    },
  ],
  [
    'DELETE',
    `${CONFIGURATIONS}/:name`,
    (c) => {
      const known = configurationOf(c)
      const { state } = c.site.disk
      state.applicationConfigurations = state.applicationConfigurations.filter((one) => one !== known)
      c.site.disk.save()
      return { status: 204 }
    },
  ],
]

function json(c: RequestContext): Record<string, unknown> {
  if (!c.contentType.startsWith('application/json')) throw unsupportedType(c.contentType)
  let parsed: unknown
  try {
    parsed = JSON.parse(c.body.toString('utf8'))
  } catch {
    parsed = undefined
  }
  const body = asObject(parsed)
  if (!body) throw new Refusal(400, 'CDISW5014E', 'The body of the request is not a JSON object.')
  return body
}

function unsupportedType(contentType: string): Refusal {
  return new Refusal(415, 'CDISA5021E', `The following content type is not supported: ${contentType || '(none)'}`)
}

function actionType(c: RequestContext): string {
  const type = asText(json(c)['type'])
  if (!type) throw new Refusal(400, 'CDISW5011E', 'The action type is missing from the action request.')
  return type
}

/** Of elements of a domain the reference knows another id than of those of an instance (streams-rest-api.md §3.4). */
function unsupportedAction(c: RequestContext, type: string, resourceType: string, restid: string): Refusal {
  const { instance } = c.params
  const where = instance === undefined ? '' : ` in the ${instance} instance`
  const text = `The ${type} action is not supported for the resource type ${resourceType} with restid ${restid}${where}.`
  return new Refusal(400, instance === undefined ? 'CDISW5012E' : 'CDISW5013E', text)
}

function changeInstance(c: RequestContext): Answer {
  const state = asText(json(c)['state'])?.toLowerCase()
  if (state !== 'started' && state !== 'stopped') throw invalidValue('The state of an instance is started or stopped.')
  return setInstance(c, state)
}

/** Starts or stops the instance; answers at once, while that goes on. */
function setInstance(c: RequestContext, state: 'started' | 'stopped'): Answer {
  const change = state === 'started' ? c.site.startInstance() : c.site.stopInstance()
  change.catch(() => undefined)
  return ok(siteElements(c).instance())
}

function upload(c: RequestContext): Answer {
  if (!c.contentType.startsWith('application/x-jar')) throw unsupportedType(c.contentType)
  const kept = c.site.disk.keepBundle(c.body)
  if ('problem' in kept) {
    throw new Refusal(400, 'CDISA5360E', `The contents of the application bundle are malformed: ${kept.problem}.`)
  }
  return ok({ bundleId: `bundleId:${kept.id}`, application: kept.bundle.application })
}

function submit(c: RequestContext): Answer {
  const body = json(c)
  const application = asText(body['application'])
  if (!application) throw invalidValue('A submission needs an application.')
  if (/^https?:/.test(application)) throw invalidValue('This site fetches no bundles: upload the application first.')
  const config = asObject(overlayOf(body)?.['jobConfig'])
  const submission: Submission = {
    bundleId: application.replace(/^bundleId:/, ''),
    name: asText(config?.['jobName']),
    jobGroup: asText(config?.['jobGroup']),
    parameters: submissionParameters(config?.['submissionParameters']),
  }
  if (body['preview'] === true) {
    const values = Object.entries(c.site.preview(submission)).map(([name, value]) => ({ name, value }))
    const overlay = { jobConfig: { ...config, submissionParameters: values } }
    return ok({ jobConfigurationOverlay: { jobConfigOverlays: [overlay], results: {} } })
  }
  const job = c.site.submit(submission, c.user)
  return { status: 201, json: jobElements(c).job(job).element }
}

/** The overlay of a body: wrapped in `jobConfigurationOverlay`, or bare. */
function overlayOf(body: Record<string, unknown>): Record<string, unknown> | undefined {
  const wrapper = asObject(body['jobConfigurationOverlay']) ?? body
  const overlays = wrapper['jobConfigOverlays']
  return Array.isArray(overlays) ? asObject(overlays[0]) : undefined
}

function submissionParameters(given: unknown): Record<string, string> {
  if (given === undefined) return {}
  if (!Array.isArray(given)) throw invalidValue('The submissionParameters are not a list.')
  const parameters: Record<string, string> = {}
  for (const item of given) {
    const parameter = asObject(item)
    const name = asText(parameter?.['name'])
    const value = parameter?.['value']
    if (!name || (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')) {
      throw invalidValue('A submission parameter needs a name and a value.')
    }
    parameters[name] = String(value)
  }
  return parameters
}

async function changePe(c: RequestContext, action: 'start' | 'stop' | 'restart'): Promise<Answer> {
  const pe = c.site.pe(c.params['pe'] ?? '')
  if (action === 'stop') await c.site.stopPe(pe)
  else if (action === 'restart' || pe.status === 'stopped') await c.site.restartPe(pe)
  return ok(jobElements(c).pe(pe).element)
}

async function hostAction(c: RequestContext): Promise<Answer> {
  const type = actionType(c)
  const host = c.params['host'] ?? ''
  if (type === 'quiesce') await quiesce(c.site, host)
  else if (type === 'resume') resume(c.site, host)
  else throw unsupportedAction(c, type, 'resource', host)
  return ok(siteElements(c).resource(host))
}

function configurationOf(c: RequestContext): ApplicationConfiguration {
  const name = c.params['name'] ?? ''
  const known = c.site.disk.state.applicationConfigurations.find((candidate) => candidate.name === name)
  if (!known) throw notFound('applicationConfiguration', name)
  return known
}

function configurationElement(c: RequestContext, configuration: ApplicationConfiguration): Element {
  const { instance } = c.site.identity
  const path = `instances/${encodeURIComponent(instance)}/applicationconfigurations/${encodeURIComponent(configuration.name)}`
  return {
    resourceType: 'applicationConfiguration',
    restid: configuration.name,
    self: c.links.at(path),
    ...configuration,
    instance: c.links.at(`instances/${encodeURIComponent(instance)}`),
  }
}

/** Properties with changes laid over; null takes one away. */
function merged(properties: Record<string, string>, changes: unknown): Record<string, string> {
  const result = { ...properties }
  for (const [key, value] of Object.entries(asObject(changes) ?? {})) {
    if (value === null) Reflect.deleteProperty(result, key)
    else if (typeof value === 'string') result[key] = value
    else throw invalidValue(`The property ${key} is not a text.`)
  }
  return result
}
