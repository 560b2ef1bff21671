import { claude } from './agents.ts';
import { matrix } from './matrix.ts';

matrix(claude);
