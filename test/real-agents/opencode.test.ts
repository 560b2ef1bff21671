import { opencode } from './agents.ts';
import { matrix } from './matrix.ts';

matrix(opencode);
