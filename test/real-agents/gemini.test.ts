import { gemini } from './agents.ts';
import { matrix } from './matrix.ts';

matrix(gemini);
