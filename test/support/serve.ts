import { readEnvironment } from '../../config/environment.ts';
import { loadSettings } from '../../config/settings.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { startServer, type ServerParts } from '../../server/server.ts';

/** Starts the real server in this process, from its environment and with other parts where a test needs them, and prints where it listens. */
export async function serve(parts: Pick<ServerParts, 'clock' | 'probe' | 'pushes'> = {}): Promise<void> {
  const environment = readEnvironment();
  const settings = loadSettings(environment);
  const holdfast = await startServer({ settings, environment, logger: makeLogger(settings.logLevel), ...parts });
  console.log(`Holdfast listens on ${holdfast.url}`);
}
