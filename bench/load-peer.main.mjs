// Runs autocannon in a process of its own: takes its options (with the secret in them) over IPC, answers with the result.
import autocannon from 'autocannon'

process.once('message', (options) => {
  autocannon(options, (error, result) => {
    const { '2xx': ok, non2xx, errors, timeouts, duration } = result ?? {}
    process.send(error ? { error: String(error) } : { ok, non2xx, errors, timeouts, duration }, () => process.exit(0))
  })
})
