import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Nest's decorators, also in files tsconfig.json does not build.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    include: ['src/**/*.spec.ts', 'test/**/*.spec.ts'],
    testTimeout: 20_000,
    hookTimeout: 40_000,
  },
});
