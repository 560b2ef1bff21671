import { readEnvironment } from '../config/environment.ts';
import { loadSettings } from '../config/settings.ts';
import { AppError, isDiskFull } from './platform/app-error.ts';
import { makeLogger } from './platform/logger.ts';
import { startServer } from './server.ts';

/** Loads the settings, starts, waits for a signal, stops. Agents go on. */
async function main(): Promise<void> {
  const environment = readEnvironment();
  const settings = loadSettings(environment);
  const logger = makeLogger(settings.logLevel);
  for (const warning of settings.warnings) logger.warn(warning);
  const holdfast = await startServer({ settings, environment, logger });
  const { recovered } = holdfast;
  console.log(`Holdfast listens on ${holdfast.url}`);
  if (holdfast.push.state === 'off') console.log(`Push is off: everything works but the sending. ${holdfast.push.detail}`);
  if (holdfast.tokenMade) console.log(`Token (kept in ${settings.dataDir}/auth-token, shown only now): ${holdfast.token}`);
  if (recovered.adopted + recovered.ended + recovered.orphans > 0) {
    console.log(`Found at work: ${recovered.adopted}, ended meanwhile: ${recovered.ended}, strays: ${recovered.orphans}.`);
  }
  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    const live = holdfast.live();
    console.log(
      `${signal}: stopping. ${live === 0 ? 'No agent is alive.' : `Agents that go on without the server: ${live}; "npm run stop" ends them.`}`,
    );
    await holdfast.stop();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof AppError) && !isDiskFull(error)) throw error;
  const sentence = error instanceof AppError ? error.message : 'the disk of DATA_DIR is full. Make room, then start again.';
  console.error(`Holdfast cannot start: ${sentence}`);
  process.exit(1);
}
