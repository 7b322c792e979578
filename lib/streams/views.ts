import { viewItemSchema, viewSchema } from './elements.ts'
import { readJob } from './jobs.ts'
import type { ManagementClient } from './management.ts'
import { callOf, type Navigator } from './navigation.ts'

const VIEWS = { key: 'views', schema: viewSchema }
const ITEMS = { key: 'viewItems', schema: viewItemSchema }

/** Views: lossy samples of streams. */
export function viewCalls(navigator: Navigator): Pick<ManagementClient, 'views' | 'viewItems'> {
  return {
    views: ({ job, ...options } = {}) =>
      navigator.list(
        VIEWS,
        async () => {
          const call = callOf(options)
          return navigator.link(
            job === undefined ? await navigator.instance(undefined, call) : await readJob(navigator, job, call),
            'views',
          )
        },
        options,
      ),
    viewItems: (view, options) =>
      navigator.list(ITEMS, () => Promise.resolve(navigator.link(view, 'viewItems')), options),
  }
}
