import { readEnvironment } from '../config/environment.ts';
import { runDemo } from './demo/demo.ts';

// `npm run demo`: the server with the real Claude CLI on a scripted model, and three commands to try it with.
process.exit(await runDemo(readEnvironment()));
