/**
 * Setup file of every environment's project: it runs in the worker before each spec file.
 * @module
 */
import { afterEach } from 'vitest'
import { installMatchers } from '../matchers/index.ts'
import { redactErrors, redactUnhandled } from './redact-errors.ts'
import { registerSecrets } from './secrets.ts'
import { guardWorker } from './worker-end.ts'

guardWorker()
registerSecrets()
installMatchers()

redactUnhandled()

afterEach(({ task, onTestFinished }) => {
  redactErrors(task.result?.errors)
  // Once more for what hooks and cleanups add after this one.
  onTestFinished(() => redactErrors(task.result?.errors))
})
