import type { Machine } from './machine.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];
const WILDCARDS = ['0.0.0.0', '::'];

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.includes(host.toLowerCase()) || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Names that the Host header may have, in lower case and without port and brackets. Where the server listens on every
 * address, the machine's own name and addresses are among them; they can't be made to point elsewhere by a web page.
 */
export function allowedHosts(host: string, further: string[], machine: Pick<Machine, 'hostname' | 'addresses'>): string[] {
  const own = WILDCARDS.includes(host) ? [machine.hostname, ...machine.addresses] : [host];
  const bare = [...LOOPBACK, ...own, ...further].map((name) =>
    name
      .toLowerCase()
      .replace(/^\[(.*)\]$/, '$1')
      .replace(/%.*$/, ''),
  );
  return [...new Set(bare)];
}
