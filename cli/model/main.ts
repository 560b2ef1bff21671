import { startModelServer } from './model-server.ts';

// node cli/model/main.ts [port]: prints {"url":…,"port":…} when it listens, and ends on SIGTERM or SIGINT.
const server = await startModelServer({ port: Number(process.argv[2] ?? 0) });
process.stdout.write(`${JSON.stringify({ url: server.url, port: server.port })}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close().then(() => process.exit(0)));
