import jupyter from '@jupyter/eslint-plugin';
import tsPlugin from '@typescript-eslint/eslint-plugin';
import tsParser from '@typescript-eslint/parser';
import reactHooks from 'eslint-plugin-react-hooks';

export default [
  {
    files: ['src/**/*.{ts,tsx}'],
    languageOptions: {
      parser: tsParser,
      parserOptions: { ecmaVersion: 2021, sourceType: 'module' }
    },
    plugins: { '@typescript-eslint': tsPlugin, 'react-hooks': reactHooks },
    rules: {
      ...tsPlugin.configs.recommended.rules,
      ...reactHooks.configs.recommended.rules,
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }],
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'prefer-arrow-callback': 'error'
    }
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['src/**/__tests__/**', 'src/**/*.spec.{ts,tsx}'],
    plugins: { jupyter },
    rules: {
      ...jupyter.configs.recommended.find(({ rules }) => rules).rules,
      // Texts of components come from the server, and are translated here.
      'jupyter/no-dynamic-translation': 'off',
      // Addresses and numbers as examples need no translation.
      'jupyter/no-untranslated-string': 'off',
      // The sidebar's views are shown at startup; large modules are imported on demand.
      'jupyter/prefer-lazy-imports': 'off'
    }
  }
];
