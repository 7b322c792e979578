import { registerSecret } from '../core/index.ts'
import { readVariables, type VariableSources } from '../environment/variables.ts'

const SECRET_NAME = /PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|PRIVATE_KEY|API_KEY/i

/**
 * Makes this process redact the values of all variables, of the process and of the dotenv file, that are secrets by their name,
 * whether or not anything here reads them. Returns the names found.
 */
export function registerSecrets(sources: VariableSources = {}): readonly string[] {
  // Registers on its own what the environments know to be secret.
  const fromFile = [...readVariables(sources).found].map(([name, { value }]) => [name, value] as const)
  const all = new Map<string, string | undefined>([...fromFile, ...Object.entries(sources.env ?? process.env)])
  return [...all].flatMap(([name, value]) => {
    if (!value || !SECRET_NAME.test(name)) return []
    registerSecret(value)
    return [name]
  })
}
