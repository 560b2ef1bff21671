import { copilot } from './agents.ts';
import { matrix } from './matrix.ts';

matrix(copilot);
