import { runPushSandbox } from './push-sandbox/run.ts';

// `npm run push-sandbox`: a push service to try things with, until Ctrl-C. `-- --help` says what it can be told.
process.exit(await runPushSandbox(process.argv.slice(2)));
