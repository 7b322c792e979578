import type { JobOrder } from './plan.ts'
import { SiteClient, type SiteAccess } from './site-client.ts'

const HEALTHY_WITHIN = '20s'

/** Uploads and submits what a site runs at first, and waits until it is healthy. */
export async function submitFirst(access: SiteAccess, order: JobOrder, signal: AbortSignal | undefined): Promise<void> {
  const client = new SiteClient(access)
  try {
    await client.healthy(await client.submit(order), HEALTHY_WITHIN, signal)
  } finally {
    client.close()
  }
}
