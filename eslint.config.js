import tseslint from 'typescript-eslint';
import { importsRule } from './scripts/house/imports-rule.ts';

const noDefault = { selector: 'ExportDefaultDeclaration', message: 'Export by name.' };
const noBarrel = { selector: 'ExportAllDeclaration', message: 'No barrel files: import from where it is.' };
const noEnv = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Only config/ reads the environment: take a setting.',
};

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'coverage/', 'ios-client-contracts/', 'server/agents/codex/protocol.ts'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { holdfast: { rules: { imports: importsRule } } },
    rules: {
      'holdfast/imports': 'error',
      'max-lines': ['error', 300],
      'no-restricted-syntax': ['error', noDefault, noBarrel, noEnv],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // A port fulfils an interface of promises, also where it has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // Numbers in sentences are what sentences are for.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  { files: ['config/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'], rules: { 'no-restricted-syntax': ['error', noDefault, noBarrel] } },
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines': 'off',
      'no-restricted-syntax': ['error', noDefault, noBarrel],
      // Answers that came over a wire are of no known type until a test has looked at them.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
    },
  },
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
