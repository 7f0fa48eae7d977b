// Lint: the strict rules of typescript-eslint with types, and no way around the content security policy.
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['docs/**', '**/node_modules/**', '**/dist/**', '**/*.js', '**/*.mjs', '**/public/**'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: new URL(".", import.meta.url).pathname } },
    rules: {
      eqeqeq: 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'text goes in as text' },
        { property: 'dangerouslySetInnerHTML', message: 'text goes in as text' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/no-non-null-assertion': 'error',
    },
  },
);
