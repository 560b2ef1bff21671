import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'dotenv';
import { AppError, messageOf, systemCode } from '../server/platform/app-error.ts';

/** The environment, with `.env` of the working directory under it: what is set in both is the environment's. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env, cwd: string = process.cwd()): NodeJS.ProcessEnv {
  const file = path.join(cwd, '.env');
  try {
    return { ...parse(readFileSync(file)), ...env };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { ...env };
    throw new AppError('bad-setting', `The file ${file} can't be read: ${messageOf(error)}.`, { cause: error });
  }
}
