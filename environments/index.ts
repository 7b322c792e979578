import type { EnvironmentDeclaration } from '../lib/environment/index.ts'
import { dcEastWest } from './dc-east-west.ts'

/** Every environment. Each is a Vitest project of its name. */
export const environments: readonly EnvironmentDeclaration[] = [dcEastWest]
