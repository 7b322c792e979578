import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['node_modules/', '.failover/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only (configs and the reporter excepted).' },
        { selector: 'ExportAllDeclaration', message: 'List the names explicitly.' },
      ],
    },
  },
  {
    files: ['vitest.config.ts', 'lib/report/reporter.ts', '**/global-setup.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    // Vitest fixtures and cleanup callbacks are written as async functions whether or not they wait.
    files: ['**/*.test.ts', 'specs/**/*.ts', 'fixtures/**/*.ts', 'tests/**/*.ts'],
    rules: {
      '@typescript-eslint/require-await': 'off',
      'no-empty-pattern': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
)
