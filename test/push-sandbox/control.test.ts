import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPushSandbox, type PushSandbox } from '../../cli/push-sandbox/push-sandbox.ts';
import { eventually } from '../support/eventually.ts';
import { alert, deviceToken, Provider, providerToken, topic } from './provider.ts';

/** What came over a wire is of no known type until a test has looked at it. */
type Json = ReturnType<typeof JSON.parse>;

let sandbox: PushSandbox;
let provider: Provider;
let url: string;
beforeEach(async () => {
  sandbox = await startPushSandbox({ controlPort: 0, categories: { APPROVAL: ['Allow', 'Deny <now>'] } });
  url = sandbox.controlUrl ?? '';
  provider = new Provider(sandbox, providerToken(sandbox, Date.now()));
});
afterEach(async () => {
  provider.close();
  await sandbox.close();
});

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: response.status, body: await response.json() };
}

const page = async (): Promise<string> => (await fetch(url)).text();

/** The states that a page is sent, as they come. */
async function follow(): Promise<{ states: Json[]; end: () => void }> {
  const controller = new AbortController();
  const response = await fetch(`${url}/events`, { signal: controller.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const states: Json[] = [];
  void (async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) states.push(JSON.parse(/^event: state\ndata: (.*)$/.exec(event)?.[1] ?? ''));
    }
  })().catch(() => undefined);
  return { states, end: () => controller.abort() };
}

describe('the control API', () => {
  it('[PSB18] scripts, and says what its rules have done', async () => {
    const rule = { when: { nth: 2 }, then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: 3 } };
    expect(await call('POST', '/script', rule)).toEqual({ status: 200, body: { id: 1 } });
    expect((await call('POST', '/script', { then: { do: 'accept' } })).body).toEqual({ id: 2 });
    await provider.push();
    expect(await provider.push()).toMatchObject({ status: 429, headers: { 'retry-after': '3' } });
    expect((await call('GET', '/script')).body.rules).toMatchObject([
      { id: 1, rule, matched: 2, applied: 1 },
      { id: 2, applied: 1 },
    ]);
    expect((await call('DELETE', '/script/1')).status).toBe(200);
    expect((await call('DELETE', '/script/1')).status).toBe(404);
    await call('DELETE', '/script');
    expect((await call('GET', '/script')).body).toEqual({ rules: [] });
  });

  it('[PSB18] lists pushes by pages, phones, counts and connections', async () => {
    for (const number of [1, 2, 1]) await provider.push({ token: deviceToken(number) });
    expect((await call('GET', '/pushes?after=1&limit=1')).body.pushes).toMatchObject([{ n: 2, token: deviceToken(2) }]);
    expect((await call('GET', '/pushes')).body.pushes).toHaveLength(3);
    expect((await call('GET', '/devices')).body).toEqual({ devices: [deviceToken(1), deviceToken(2)] });
    expect((await call('GET', `/devices/${deviceToken(1)}`)).body).toMatchObject({ received: 2, notifications: [{ n: 3 }, { n: 1 }] });
    expect((await call('GET', '/status')).body).toMatchObject({ counts: { received: 3 }, connections: [{ number: 1, served: 3 }] });
  });

  it('[PSB18] takes an app from a phone, and breaks connections', async () => {
    await call('PUT', `/devices/${deviceToken(1)}`, { topic, unregisteredAt: 1000 });
    expect(await provider.push()).toMatchObject({ status: 410, timestamp: 1000 });
    await call('POST', '/connections', { do: 'allow', streams: 7 });
    await eventually(() => provider.session.remoteSettings.maxConcurrentStreams === 7);
    await call('POST', '/connections', { do: 'goaway', inFlight: 'finish' });
    await eventually(() => provider.session.destroyed);
    provider = new Provider(sandbox, providerToken(sandbox, Date.now()));
    await provider.push({ token: deviceToken(2) });
    await call('POST', '/connections', { do: 'cut' });
    await eventually(() => provider.session.destroyed);
  });

  it.each<[number, string, string, unknown]>([
    [400, 'POST', '/script', { then: { do: 'explode' } }],
    [400, 'POST', '/script', undefined],
    [400, 'POST', '/connections', { do: 'nothing' }],
    [400, 'PUT', '/devices/x', {}],
    [400, 'GET', '/pushes?limit=0', undefined],
    [400, 'POST', '/script', { then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: 'two\nlines' } }],
    [400, 'POST', '/script', { then: { do: 'refuse', reason: 'TooManyRequests', retryAfter: '一' } }],
    [404, 'GET', '//', undefined],
    [404, 'GET', '/nothing', undefined],
    [404, 'PATCH', '/script', {}],
  ])('[PSB18] answers %i to %s %s', async (status, method, path, body) => {
    const answer = await call(method, path, body);
    expect(answer).toEqual({ status, body: { error: expect.any(String) } });
  });

  it('[PSB18] refuses a body that is no JSON, or far too large', async () => {
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${url}/script`, { method: 'POST', headers, body: '{' })).status).toBe(400);
    expect((await fetch(`${url}/script`, { method: 'POST', headers, body: `"${'x'.repeat(100_000)}"` })).status).toBe(400);
  });
});

describe('the control port', () => {
  /** A status, for a request with headers that fetch would not send. */
  function statusOf(method: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request(url + path, { method, headers }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end(method !== 'POST' ? undefined : '{"then":{"do":"accept"}}');
    });
  }
  const json = { 'content-type': 'application/json' };

  it('[PSB19] is answered under its own names only', async () => {
    const port = new URL(url).port;
    expect(await statusOf('GET', '/', { host: `localhost:${port}` })).toBe(200);
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', 'localhost:1'])
      expect(await statusOf('GET', '/pushes', { host })).toBe(403);
  });

  it('[PSB19] is not for pages from elsewhere', async () => {
    for (const origin of ['https://evil.example', 'null']) {
      expect(await statusOf('POST', '/script', { ...json, origin })).toBe(403);
      expect(await statusOf('DELETE', '/script', { origin })).toBe(403);
      expect(await statusOf('GET', '/pushes', { origin })).toBe(403);
    }
    expect(await statusOf('POST', '/script', { 'content-type': 'text/plain' })).toBe(403);
    expect(await statusOf('POST', '/script', { ...json, origin: url })).toBe(200);
  });

  it('[PSB19] is on loopback', () => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(sandbox.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  });
});

describe('the page', () => {
  it('[PSB17] shows what phones show: the title, body, thread, category, actions, level and relevance', async () => {
    const more = { 'thread-id': 's-77', category: 'APPROVAL', 'interruption-level': 'time-sensitive', 'relevance-score': 0.7, badge: 3 };
    await provider.push({ payload: alert('Run the tests?', more), headers: { 'apns-collapse-id': 'c-1' } });
    await provider.push({ body: 'no' });
    const shown = await page();
    for (const text of [
      'Title',
      'Run the tests?',
      'thread s-77',
      'category APPROVAL',
      'time-sensitive',
      'relevance 0.7',
      'collapse id c-1',
    ]) {
      expect(shown).toContain(text);
    }
    expect(shown).toContain('<li>Allow</li>');
    expect(shown).toContain('<li>Deny &lt;now&gt;</li>');
    expect(shown).toContain('<b class="badge">3</b>');
    expect(shown).toContain('400 PayloadEmpty: The body is not a JSON object.');
  });

  it('[PSB17] takes whatever a push says for text', async () => {
    const evil = `<img src=x onerror=alert(1)></script><script>alert(2)</script>"'&`;
    const aps = {
      alert: { title: evil, subtitle: evil, body: evil },
      'thread-id': evil,
      category: evil,
      'interruption-level': evil,
      badge: 1,
    };
    await provider.push({ payload: { aps, more: evil }, headers: { 'apns-collapse-id': evil.slice(0, 60) } });
    await provider.push({ token: encodeURIComponent(evil), headers: { 'apns-topic': evil, 'apns-other': evil } });
    const activity = { 'apns-push-type': 'liveactivity', 'apns-topic': `${topic}.push-type.liveactivity` };
    const { states, end } = await follow();
    await provider.push({ headers: activity, payload: { aps: { event: evil, 'content-state': { evil } } } });
    await provider.push({ headers: activity, payload: { aps: { event: 'x', 'stale-date': 1e300, 'dismissal-date': -1e300 } } });
    await eventually(() => states.length > 1);
    end();
    const sent = states.flatMap(({ counts, phones, pushes }) => [counts, ...[...phones, ...pushes].map(({ html }) => html)]);
    for (const html of [await page(), ...sent]) {
      expect(html).not.toMatch(/<img|<script>|onerror=alert\(1\)>/);
      expect(html.replaceAll(/<[a-z0-9]+(?: [a-z-]+(?:="[^"<>]*")?)*(?: \/)?>|<\/[a-z0-9]+>|<!doctype html>/g, '')).not.toMatch(/[<>]/);
    }
    expect(await page()).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('[PSB17] needs nothing from elsewhere, and its browser is told so', async () => {
    for (const path of ['/', '/page.js', '/page.css']) {
      const response = await fetch(url + path);
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/);
      expect(policy).not.toContain('unsafe');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      const text = (await response.text()).replace(sandbox.url, '');
      expect(text).not.toMatch(/https?:\/\/|@import|url\(|<style|style=|<script(?! src="\/page.js" defer>)| on\w+=/);
    }
  });

  it('[PSB20] is sent what changes, all at first', async () => {
    await provider.push({ payload: alert('before') });
    const { states, end } = await follow();
    await eventually(() => states.length === 1);
    expect(states[0]).toMatchObject({ reset: true, phones: [{ html: expect.stringContaining('before') }], pushes: [{ id: 'push-1' }] });
    const startedAt = performance.now();
    for (let number = 1; number <= 50; number++) {
      await provider.push({ token: deviceToken(2), payload: alert('after') });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await eventually(() => states.flatMap(({ pushes }) => pushes).length === 51);
    expect(states.length - 1).toBeLessThanOrEqual(Math.ceil((performance.now() - startedAt) / 100) + 1);
    for (const state of states.slice(1)) {
      expect(state).not.toHaveProperty('reset');
      expect(state.phones).toHaveLength(1);
      expect(state.phones[0].html).not.toContain('before');
    }
    end();
  });

  it('[PSB20] can be looked at twenty times at once', async () => {
    const readers = await Promise.all(Array.from({ length: 20 }, follow));
    expect((await fetch(`${url}/events`)).status).toBe(503);
    readers[0]?.end();
    await eventually(async () => {
      const controller = new AbortController();
      const { status } = await fetch(`${url}/events`, { signal: controller.signal });
      controller.abort();
      return status === 200;
    });
    for (const { end } of readers) end();
  });

  it('[PSB21] does not keep the sandbox from ending', async () => {
    const { states } = await follow();
    await eventually(() => states.length === 1);
    await sandbox.close();
    await expect(fetch(url)).rejects.toThrow();
  });
});
