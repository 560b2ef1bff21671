import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { packageRoot } from './find-command.ts';

const Package = z.object({ version: z.string() });

/** Holdfast's own version. */
export const packageVersion: string = Package.parse(JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8'))).version;
