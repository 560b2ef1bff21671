import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPushSandbox, type PushSandbox } from '../../cli/push-sandbox/push-sandbox.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { alert, deviceToken, Provider, providerToken, topic, type Sent } from './provider.ts';

let clock: FakeClock;
let sandbox: PushSandbox;
let provider: Provider;
beforeEach(async () => {
  clock = new FakeClock();
  sandbox = await startPushSandbox({ clock, topics: [topic, 'com.example.other'] });
  provider = new Provider(sandbox, providerToken(sandbox, clock.now()));
});
afterEach(async () => {
  provider.close();
  await sandbox.close();
});

const id = '123e4567-e89b-12d3-a456-426655440000';
const sized = (bytes: number): string => {
  const empty = JSON.stringify(alert(''));
  return JSON.stringify(alert('x'.repeat(bytes - empty.length)));
};
const background = { 'apns-push-type': 'background' };
const wake = { aps: { 'content-available': 1 } };

describe('a push that follows the rules', () => {
  it('[PSB3] is answered 200 without a body, with its apns-id or one that was made', async () => {
    const given = await provider.push({ headers: { 'apns-id': id } });
    expect(given).toMatchObject({ status: 200, headers: { 'apns-id': id } });
    const made = await provider.push();
    expect(made).toMatchObject({ status: 200 });
    expect(made.reason).toBeUndefined();
    expect(made.headers['apns-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.headers['apns-id']).not.toBe(id);
  });

  it.each<[string, Sent]>([
    ['4,096 bytes', { body: sized(4096) }],
    ['5,120 bytes for a call', { body: sized(5120), headers: { 'apns-push-type': 'voip', 'apns-topic': `${topic}.voip` } }],
    ['a collapse id of 64 bytes', { headers: { 'apns-collapse-id': 'ä'.repeat(32) } }],
    ['priority 1', { headers: { 'apns-priority': '1' } }],
    ['no expiration', { headers: { 'apns-expiration': '0' } }],
    ['an empty dictionary, as wallets get', { body: '{}' }],
    ['a background push', { headers: { ...background, 'apns-priority': '5' }, payload: wake }],
    ['a silent one of priority 5 without a push type', { headers: { 'apns-priority': '5' }, payload: wake }],
    ['a live activity', { headers: { 'apns-push-type': 'liveactivity', 'apns-topic': `${topic}.push-type.liveactivity` } }],
    ["a live activity's long token", { token: 'ab'.repeat(80) }],
  ])('[PSB3] %s is good', async (_what, sent) => {
    expect(await provider.push(sent)).toMatchObject({ status: 200 });
  });
});

describe('a push that breaks a rule', () => {
  it.each<[string, number, Sent]>([
    ['MethodNotAllowed', 405, { method: 'GET', body: '' }],
    ['MethodNotAllowed', 405, { method: 'PUT' }],
    ['BadPath', 404, { path: '/3/devices/00' }],
    ['BadPath', 404, { path: `/2/device/${deviceToken(1)}` }],
    ['BadPath', 404, { path: `/3/device/${deviceToken(1)}/more` }],
    ['MissingDeviceToken', 400, { path: '/3/device/' }],
    ['MissingDeviceToken', 400, { path: '/3/device' }],
    ['DuplicateHeaders', 400, { headers: { 'apns-collapse-id': ['a', 'b'] } }],
    ['BadMessageId', 400, { headers: { 'apns-id': 'seven' } }],
    ['MissingTopic', 400, { headers: { 'apns-topic': '' } }],
    ['BadTopic', 400, { headers: { 'apns-topic': 'no topic!' } }],
    ['BadTopic', 400, { headers: { 'apns-push-type': 'liveactivity' } }],
    ['TopicDisallowed', 400, { headers: { 'apns-topic': 'com.example.stranger' } }],
    ['InvalidPushType', 400, { headers: { 'apns-push-type': 'shout' } }],
    ['BadPriority', 400, { headers: { 'apns-priority': '7' } }],
    ['BadPriority', 400, { headers: { ...background, 'apns-priority': '10' }, payload: wake }],
    ['BadPriority', 400, { headers: background, payload: wake }],
    ['BadPriority', 400, { payload: wake }],
    ['BadExpirationDate', 400, { headers: { 'apns-expiration': 'tomorrow' } }],
    ['BadExpirationDate', 400, { headers: { 'apns-expiration': '-1' } }],
    ['BadCollapseId', 400, { headers: { 'apns-collapse-id': 'x'.repeat(65) } }],
    ['BadCollapseId', 400, { headers: { 'apns-collapse-id': 'ä'.repeat(33) } }],
    ['PayloadEmpty', 400, { body: '' }],
    ['PayloadEmpty', 400, { body: 'not JSON' }],
    ['PayloadEmpty', 400, { body: '[]' }],
    ['PayloadTooLarge', 413, { body: sized(4097) }],
    ['PayloadTooLarge', 413, { body: sized(5121), headers: { 'apns-push-type': 'voip', 'apns-topic': `${topic}.voip` } }],
    ['PayloadTooLarge', 413, { body: 'x'.repeat(300_000) }],
    ['BadDeviceToken', 400, { token: 'not-hexadecimal' }],
    ['BadDeviceToken', 400, { token: 'ab'.repeat(31) }],
    ['BadDeviceToken', 400, { token: `${'ab'.repeat(32)}a` }],
  ])('[PSB4] gets %s %i', async (reason, status, sent) => {
    const answer = await provider.push({ ...sent, headers: { 'apns-id': id, ...sent.headers } });
    expect(answer).toMatchObject({ status, reason, headers: { 'content-type': 'application/json' } });
    if (reason !== 'BadMessageId') expect(answer.headers['apns-id']).toBe(id);
    expect(sandbox.pushes()).toMatchObject([{ outcome: { kind: 'refused', status, reason, scripted: false } }]);
    expect(sandbox.device(sent.token ?? deviceToken(1)).received).toBe(0);
  });

  it('[PSB4] a body that is far too large is not waited for', async () => {
    const answer = await provider.push({ body: 'x'.repeat(50_000), unfinished: true });
    expect(answer).toMatchObject({ status: 413, reason: 'PayloadTooLarge' });
  });

  it('[PSB8] a payload that does not come in 30 seconds gets IdleTimeout', async () => {
    const answer = provider.push({ body: '{"aps":', unfinished: true });
    await eventually(() => sandbox.pushes().length === 1);
    clock.advance(29_999);
    expect(sandbox.pushes()[0]?.outcome).toEqual({ kind: 'waiting' });
    clock.advance(1);
    expect(await answer).toMatchObject({ status: 400, reason: 'IdleTimeout' });
  });

  it('[PSB8] nor is one waited for that is never begun', async () => {
    const answer = provider.push({ body: '', unfinished: true });
    await eventually(() => sandbox.pushes().length === 1);
    clock.advance(30_000);
    expect(await answer).toMatchObject({ status: 400, reason: 'IdleTimeout' });
  });
});

describe('device tokens', () => {
  it('[PSB7] one whose app is gone gets Unregistered with the time', async () => {
    sandbox.setDevice(deviceToken(1), { topic, unregisteredAt: 1_700_000_000_123 });
    expect(await provider.push()).toMatchObject({ status: 410, reason: 'Unregistered', timestamp: 1_700_000_000_123 });
    sandbox.setDevice(deviceToken(1), { topic });
    expect(await provider.push()).toMatchObject({ status: 200 });
  });

  it('[PSB7] one belongs to the app that it was first pushed to, whatever the push type', async () => {
    expect(await provider.push()).toMatchObject({ status: 200 });
    const other = await provider.push({ headers: { 'apns-topic': 'com.example.other' } });
    expect(other).toMatchObject({ status: 400, reason: 'DeviceTokenNotForTopic' });
    const activity = { 'apns-push-type': 'liveactivity', 'apns-topic': `${topic}.push-type.liveactivity` };
    expect(await provider.push({ headers: activity })).toMatchObject({ status: 200 });
  });

  it('[PSB7] capital and small digits are the same token', async () => {
    sandbox.setDevice('AB'.repeat(32), { topic, unregisteredAt: 5 });
    expect(await provider.push({ token: 'ab'.repeat(32) })).toMatchObject({ status: 410 });
  });
});
