import { readJson } from './answer.ts'
import type { CallOptions } from './connection.ts'
import { configurationSchema, type ApplicationConfiguration } from './elements.ts'
import { NotFoundError } from './errors.ts'
import type { ApplicationConfigurations } from './management.ts'
import { callOf, type Navigator } from './navigation.ts'

const CONFIGURATIONS = { key: 'applicationConfigurations', schema: configurationSchema }

/** Application configurations of the instance. */
export function configurationCalls(navigator: Navigator): ApplicationConfigurations {
  const { transport } = navigator
  const { links, paths } = transport.dialect

  const home = async (options: CallOptions): Promise<string> => {
    const instance = await navigator.instance(undefined, options)
    const link: unknown = instance[links.applicationConfigurations]
    return typeof link === 'string' ? link : `${instance.self}/${paths.applicationConfigurations}`
  }
  const list: ApplicationConfigurations['list'] = (options = {}) =>
    navigator.list(CONFIGURATIONS, () => home(callOf(options)), options)

  async function get(name: string, options: CallOptions = {}): Promise<ApplicationConfiguration> {
    const all = await list({ ...options, where: { name } })
    const found = all.find((configuration) => configuration.name === name)
    if (found) return found
    throw new NotFoundError(`there is no application configuration ${JSON.stringify(name)}.`, {
      dc: transport.dc,
      method: 'GET',
      url: await home(options),
    })
  }

  return {
    list,
    get,
    async create(configuration, options = {}) {
      const answer = await transport.send({ ...options, method: 'POST', url: await home(options), json: configuration })
      return answer.body.length === 0 ? get(configuration.name, options) : readJson(answer, configurationSchema)
    },
    async patch(name, properties, options = {}) {
      const { self } = await get(name, options)
      // Setting the same values twice is the same as setting them once.
      const answer = await transport.send({
        ...options,
        method: 'PATCH',
        url: self,
        json: { properties },
        repeatable: true,
      })
      return answer.body.length === 0 ? get(name, options) : readJson(answer, configurationSchema)
    },
    async delete(name, options = {}) {
      try {
        const { self } = await get(name, options)
        await transport.send({ ...options, method: 'DELETE', url: self })
        return 'deleted'
      } catch (error) {
        if (error instanceof NotFoundError) return 'gone'
        throw error
      }
    },
  }
}
