import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readEnvironment } from '../../config/environment.ts';
import { loadSettings } from '../../config/settings.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { startServer } from '../../server/server.ts';

// The real server, which on SIGUSR2 collects its garbage and prints what memory is still in use: "Memory <bytes>".
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
process.on('SIGUSR2', () => {
  // Buffers are let go of by finalizers, which run after a collection.
  collect();
  setImmediate(() => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    console.log(`Memory ${heapUsed + external}`);
  });
});
const environment = readEnvironment();
const settings = loadSettings(environment);
const holdfast = await startServer({ settings, environment, logger: makeLogger('warn') });
console.log(`Holdfast listens on ${holdfast.url}`);
