import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PushRecord } from '../../cli/push-sandbox/push-record.ts';
import { startPushSandbox, type PushSandbox, type PushSandboxOptions } from '../../cli/push-sandbox/push-sandbox.ts';
import type { DeviceView } from '../../server/contracts/devices.ts';
import { eventually } from './eventually.ts';
import { Holdfast, type HoldfastOptions } from './holdfast.ts';

/** A device token of Apple's form, each number its own. */
export const deviceToken = (number: number): string => number.toString(16).padStart(64, '0');

/** A server that pushes to a push service of its own, over real HTTP/2. */
export class PushWorld {
  readonly sandbox: PushSandbox;
  readonly holdfast: Holdfast;
  readonly #folder: string;

  private constructor(sandbox: PushSandbox, holdfast: Holdfast, folder: string) {
    this.sandbox = sandbox;
    this.holdfast = holdfast;
    this.#folder = folder;
  }

  static async start(options: PushSandboxOptions = {}, server: HoldfastOptions = {}): Promise<PushWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-push-'));
    const sandbox = await startPushSandbox({ folder, ...options });
    const env = { PUSH_ESCALATE_SECONDS: '0', ...sandbox.settings, ...server.env } as Record<string, string>;
    const holdfast = await Holdfast.start({ ...server, env });
    return new PushWorld(sandbox, holdfast, folder);
  }

  /** Registers the device of a number. */
  async register(number = 1, more: Record<string, unknown> = {}): Promise<DeviceView> {
    const { status, body } = await this.holdfast.client.call<DeviceView>('POST', '/api/devices', {
      ...{ token: deviceToken(number), platform: 'ios' },
      ...more,
    });
    if (status > 201) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** What came for a device, or for all, oldest first. */
  pushes(number?: number): PushRecord[] {
    const all = this.sandbox.pushes();
    return number === undefined ? all : all.filter(({ token }) => token === deviceToken(number));
  }

  /** Visible pushes of one type of event. */
  of(type: string): PushRecord[] {
    return this.pushes().filter((push) => push.pushType === 'alert' && payloadOf(push)['type'] === type);
  }

  /** Waits for the first push of a type. */
  async first(type: string): Promise<PushRecord> {
    return eventually(() => this.of(type).find(({ outcome }) => outcome.kind !== 'waiting'));
  }

  async dispose(): Promise<void> {
    await this.holdfast.dispose();
    await this.sandbox.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The payload of a push. */
export function payloadOf({ body }: PushRecord): Record<string, unknown> & { aps: Record<string, unknown> } {
  return JSON.parse(body);
}
