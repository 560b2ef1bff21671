import path from 'node:path';
import { defineConfig } from 'vitest/config';

// .ci/run counts what passed from these files; npm says which script runs, so that two runs don't share one.
const folder = process.env['TEST_REPORT_DIR'];
const report =
  folder === undefined ? undefined : path.join(folder, `${(process.env['npm_lifecycle_event'] ?? 'tests').replace(':', '-')}.json`);

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/integration/**', 'test/real-agents/**'] } },
      { extends: true, test: { name: 'integration', include: ['test/integration/**/*.test.ts'], maxWorkers: 3 } },
      // The real programs, which `npm run test:agents` installs first.
      { extends: true, test: { name: 'agents', include: ['test/real-agents/*.test.ts'], testTimeout: 180_000 } },
    ],
  },
});
