import { readEnvironment } from '../config/environment.ts';
import { loadSettings } from '../config/settings.ts';
import { AppError, messageOf } from '../server/platform/app-error.ts';
import { endAgents, isDataDir } from './stop/end-agents.ts';
import { endServer } from './stop/end-server.ts';
import { reportOf } from './stop/report.ts';

// `npm run stop`: ends the server of DATA_DIR and then all its agents, and says what it ended.

/** DATA_DIR alone: a server must be stoppable also when another setting is wrong by now. */
function readDataDir(): string {
  const { DATA_DIR, HOME } = readEnvironment();
  return loadSettings({ DATA_DIR, HOME }).dataDir;
}

async function main(): Promise<boolean> {
  const dataDir = readDataDir();
  if (!isDataDir(dataDir)) {
    console.log(`Nothing to stop: no server has used ${dataDir}. Another folder is named by DATA_DIR.`);
    return true;
  }
  const server = await endServer(dataDir);
  try {
    const { lines, ok } = reportOf(dataDir, server, await endAgents(dataDir));
    for (const line of lines) (ok ? console.log : console.error)(line);
    return ok;
  } finally {
    server.release();
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(`Not everything could be stopped: ${error instanceof AppError ? error.message : messageOf(error)}`);
  process.exitCode = 1;
}
