// Who may import whom. A folder is a layer; a layer sees only what is named here, and itself.

const everything: readonly string[] = [
  'platform',
  'contracts',
  'config',
  'process',
  'agents',
  'storage',
  'events',
  'sessions',
  'auth',
  'http',
  'socket',
  'push',
  'root',
];

export interface Layer {
  /** Folders (with a slash at the end), or the files of a folder itself (with `*.ts`). */
  files: readonly string[];
  /** Layers that it may import. */
  may: readonly string[];
}

/** Layers by name. */
export const layers: Readonly<Record<string, Layer>> = {
  platform: { files: ['server/platform/'], may: [] },
  contracts: { files: ['server/contracts/'], may: ['platform'] },
  config: { files: ['config/'], may: ['platform', 'contracts'] },
  process: { files: ['server/process/'], may: ['platform', 'contracts'] },
  agents: { files: ['server/agents/'], may: ['platform', 'contracts'] },
  storage: { files: ['server/storage/'], may: ['platform', 'contracts'] },
  events: { files: ['server/events/'], may: ['platform', 'contracts', 'storage'] },
  sessions: { files: ['server/sessions/'], may: ['platform', 'contracts', 'config', 'process', 'agents', 'storage', 'events'] },
  auth: { files: ['server/auth/'], may: ['platform', 'contracts', 'config', 'storage'] },
  http: { files: ['server/http/'], may: ['platform', 'contracts', 'config', 'events', 'sessions', 'auth'] },
  socket: { files: ['server/socket/'], may: ['platform', 'contracts', 'config', 'events', 'sessions', 'auth'] },
  push: { files: ['server/push/'], may: ['platform', 'contracts', 'config', 'storage', 'events'] },
  root: { files: ['server/*.ts'], may: everything },
  cli: { files: ['cli/'], may: everything },
  scripts: { files: ['scripts/'], may: [...everything, 'cli', 'test'] },
  bench: { files: ['bench/'], may: [...everything, 'cli', 'test'] },
  test: { files: ['test/'], may: [...everything, 'cli', 'scripts', 'bench'] },
};

/** Packages that have one home in the server. */
export const packageHomes: Readonly<Record<string, readonly string[]>> = {
  '@parse/node-apn': ['push'],
  'better-sqlite3': ['storage'],
  dotenv: ['config'],
  express: ['http'],
  'express-rate-limit': ['http'],
  helmet: ['http'],
  pidusage: ['process'],
  pino: ['platform'],
  'prom-client': ['platform'],
  ws: ['socket'],
};

/** Layers outside the server's own: they may use any package. */
export const freeLayers: readonly string[] = ['root', 'cli', 'scripts', 'bench', 'test'];
