import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Settings } from '../../config/settings.ts';
import { AppError, systemCode } from '../platform/app-error.ts';

/** The listener of this server, with TLS where a certificate is set. */
export function httpServer(settings: Settings): Server {
  // Some clients offer h2c with every request: that is declined by answering as if it had not been offered.
  const shouldUpgradeCallback = (request: IncomingMessage): boolean => /\bwebsocket\b/i.test(request.headers.upgrade ?? '');
  if (settings.tlsCertPath === undefined || settings.tlsKeyPath === undefined) return createHttpServer({ shouldUpgradeCallback });
  return createHttpsServer({
    shouldUpgradeCallback,
    cert: readFileSync(settings.tlsCertPath),
    key: readFileSync(settings.tlsKeyPath),
  });
}

/** Resolves with the URL; throws AppError `bad-setting` where the port or host can't be had. */
export function listen(server: Server, settings: Settings): Promise<string> {
  const { host, port } = settings;
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const taken = systemCode(error) === 'EADDRINUSE';
      const sentence = taken
        ? `Port ${port} of ${host} is taken. Stop what uses it, or set PORT.`
        : `Cannot listen on ${host}:${port}: ${error.message}.`;
      reject(new AppError('bad-setting', sentence, { cause: error }));
    });
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      resolve(`${settings.tlsCertPath === undefined ? 'http' : 'https'}://${name}:${address.port}`);
    });
  });
}
