import { codex } from './agents.ts';
import { matrix } from './matrix.ts';

matrix(codex);
