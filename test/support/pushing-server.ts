import { readEnvironment } from '../../config/environment.ts';
import { loadSettings } from '../../config/settings.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { startServer } from '../../server/server.ts';

// The real server where a push reaches the one device whose token is PUSHED_DEVICE.
const environment = readEnvironment();
const pushes = { canPush: (_owner: string, deviceToken?: string): boolean => deviceToken === environment['PUSHED_DEVICE'] };
const holdfast = await startServer({ settings: loadSettings(environment), environment, logger: makeLogger('warn'), pushes });
console.log(`Holdfast listens on ${holdfast.url}`);
