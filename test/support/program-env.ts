import { join } from 'node:path';
import { packageRoot } from '../../config/find-command.ts';

/** What every program of ours gets in a test: where commands are, and the compile cache that `npm start` has, which halves its start. */
export const programEnv = {
  PATH: process.env['PATH'] ?? '',
  NODE_COMPILE_CACHE: join(packageRoot, 'node_modules/.cache/holdfast'),
};
