import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPushSandbox } from '../../cli/push-sandbox/push-sandbox.ts';
import type { DeviceView } from '../../server/contracts/devices.ts';
import { eventually } from './eventually.ts';
import type { Guide } from './tour-guide.ts';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const phone = '3f'.repeat(32);

/** Devices of a server that can have two of them and has no push service; leaves one behind, whose id it gives. */
export async function devices(guide: Guide, sessionId: string): Promise<string> {
  const body = { token: phone, platform: 'ios', environment: 'sandbox', name: 'My phone', appVersion: '1.4.0' };
  const { id } = await guide.visit<DeviceView>('registerDevice', { body });
  await guide.visit('registerDevice', { body });
  await guide.visit('registerDeviceToken', { body: { deviceToken: '4e'.repeat(32), deviceType: 'ios', appVersion: '1.4.0' } });
  await guide.visit('registerDevice', { body: { ...body, token: '5d'.repeat(32) } });
  const params = { id };
  const quietHours = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };
  await guide.visit('patchDevice', {
    params,
    body: { preferences: { level: 'needs-me', quietHours, sessions: { [sessionId]: { level: 'all' } } } },
  });
  await guide.visit('device', { params });
  const { devices: listed } = await guide.visit<{ devices: DeviceView[] }>('devices', { query: '?limit=2' });
  await activities(guide, params, sessionId);
  await guide.visit('testDevice', { params });
  await guide.visit('receipts', { params, body: { pushes: [{ id: NOBODY }] } });
  await guide.visit('device', { params: { id: NOBODY } });
  await guide.visit('deleteDevice', { params: { id: listed.find((device) => device.id !== id)?.id ?? '' } });
  return id;
}

/** Live activities of a device; leaves one behind. */
async function activities(guide: Guide, params: { id: string }, sessionId: string): Promise<void> {
  const body = { sessionId, token: `80${'6c'.repeat(79)}`, activityId: 'B1C64D1F-0E5A-4C3B-9D5E-6F2A7C8B9D10' };
  await guide.visit('registerActivity', { params, body });
  const { id } = await guide.visit<{ id: string }>('registerActivity', { params, body });
  await guide.visit('activities', { params });
  await guide.visit('deleteActivity', { params: { ...params, activityId: NOBODY } });
  await guide.visit('deleteActivity', { params: { ...params, activityId: id } });
}

/** The same device on a server that can push: first it is reached, then its app is gone. */
export async function pushes(guide: Guide, deviceId: string): Promise<void> {
  const { holdfast } = guide;
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-push-'));
  const sandbox = await startPushSandbox({ folder, topics: ['com.example.holdfast'] });
  try {
    await holdfast.stop();
    await holdfast.start(sandbox.settings);
    const params = { id: deviceId };
    const health = async (): Promise<DeviceView> => (await holdfast.client.call<DeviceView>('GET', `/api/devices/${deviceId}`)).body;
    await guide.visit('testDevice', { params });
    await eventually(async () => (await health()).health.lastResult === 'delivered');
    sandbox.script({ then: { do: 'refuse', reason: 'Unregistered' } });
    await guide.visit('testDevice', { params });
    await eventually(async () => (await health()).state === 'unregistered');
    await guide.visit('testDevice', { params });
    await guide.visit('deliveries', { params, query: '?limit=1' });
  } finally {
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
