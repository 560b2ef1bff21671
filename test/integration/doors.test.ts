import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startModelServer } from '../../cli/model/model-server.ts';
import { Problem } from '../../server/contracts/server-views.ts';
import { isAlive } from '../../server/process/identity.ts';
import { members } from '../../server/process/members.ts';
import { Holdfast, TOKEN } from '../support/holdfast.ts';
import { rawRequest } from '../support/raw-http.ts';
import { agentSandbox, type AgentSandbox } from '../support/sandbox.ts';
import { TestSocket } from '../support/socket.ts';
import { journalOf } from '../support/agent-processes.ts';

const PAGE = 'https://phone.example';
const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

describe('the doors', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    holdfast = await Holdfast.start({ env: { ALLOWED_ORIGINS: PAGE, ALLOWED_HOSTS: 'mac.example', LOG_LEVEL: 'trace' } });
  });
  afterAll(() => holdfast.dispose());

  it.each([
    ['an endpoint', { path: '/api/sessions' }],
    ['a path where nothing is', { path: '/api/nothing' }],
    ['the top', { path: '/' }],
    ['a path that is hardly one', { path: '//%zz/..' }],
    ['an open path in disguise', { path: '/health/' }],
    ['a method that is not served', { method: 'PUT', path: '/api/chat' }],
    ['a body that is no JSON', { method: 'POST', path: '/api/chat', body: '{', headers: { 'content-type': 'application/json' } }],
    [
      'a body of 60 MB',
      { method: 'POST', path: '/api/chat', body: Buffer.alloc(60 * 2 ** 20, 'x'), headers: { 'content-type': 'application/json' } },
    ],
    ['the socket', { path: '/ws', headers: upgrade }],
    ["a session's socket", { path: '/api/sessions/00000000-0000-4000-8000-000000000000/stream', headers: upgrade }],
    ['a socket where there is none', { path: '/nothing', headers: upgrade }],
    ['the API description', { path: '/openapi.json' }],
  ])('[DOOR1] asks for a token before anything else is looked at: %s', async (_what, request) => {
    const reply = await rawRequest(holdfast.url, {
      ...request,
      headers: { ...('headers' in request ? request.headers : {}), authorization: undefined },
    });
    expect(reply.status).toBe(401);
    expect(Problem.parse(JSON.parse(reply.text))).toMatchObject({ code: 'unauthorized' });
  });

  it('[DOOR2] answers every wrong token in the same words', async () => {
    const tokens = ['wrong', TOKEN.slice(0, -1), `${TOKEN}x`, TOKEN.toUpperCase(), 'x'.repeat(10_000), TOKEN.replace('t', 'T')];
    const headers = [
      ...tokens.map((token) => `Bearer ${token}`),
      TOKEN,
      `Basic ${btoa(`x:${TOKEN}`)}`,
      'Bearer',
      'Bearer  ',
      `Bearer ${TOKEN} ${TOKEN}`,
      '',
    ];
    const replies = await Promise.all(
      headers.map((authorization) => rawRequest(holdfast.url, { path: '/api/sessions', headers: { authorization } })),
    );
    const seen = replies.map(({ status, text, headers: { 'www-authenticate': challenge } }) => ({ status, text, challenge }));
    expect(seen[0]).toMatchObject({ status: 401, challenge: 'Bearer' });
    expect(new Set(seen.map((reply) => JSON.stringify(reply))).size).toBe(1);
  });

  it('[DOOR3] takes no token from a URL', async () => {
    for (const path of [`/api/sessions?token=${TOKEN}`, `/api/sessions?access_token=${TOKEN}`, `/api/sessions?ticket=${TOKEN}`]) {
      expect((await rawRequest(holdfast.url, { path, headers: { authorization: undefined } })).status).toBe(401);
    }
    const socket = await rawRequest(holdfast.url, { path: `/ws?token=${TOKEN}`, headers: { ...upgrade, authorization: undefined } });
    expect(socket.status).toBe(401);
  });

  it('[DOOR4] tells its health to whoever asks, and nothing else', async () => {
    for (const path of ['/health', '/ready', '/health?verbose=1']) {
      const reply = await rawRequest(holdfast.url, { path, headers: { authorization: undefined } });
      expect([path, reply.status]).toEqual([path, 200]);
      expect(reply.text).not.toContain(holdfast.root);
    }
  });

  it.each([
    ['127.0.0.1', 200],
    ['localhost:3001', 200],
    ['[::1]:3001', 200],
    ['MAC.example', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['mac.example.evil.example:3001', 403],
    ['localhost@evil.example', 403],
    ['', 403],
  ])('[DOOR5] serves only hosts that it is known as, also without a token: "%s" %i', async (host, status) => {
    for (const path of ['/health', '/api/sessions']) {
      const reply = await rawRequest(holdfast.url, { path, headers: { host } });
      expect([path, reply.status]).toEqual([path, status]);
      if (status === 403) expect(JSON.parse(reply.text)).toMatchObject({ code: 'host-not-allowed' });
    }
    const socket = await rawRequest(holdfast.url, { path: '/nothing', headers: { ...upgrade, host } });
    expect(socket.status).toBe(status === 200 ? 404 : 403);
  });

  it.each([
    [PAGE, 200],
    [PAGE.toUpperCase(), 200],
    ['https://evil.example', 403],
    ['https://phone.example.evil.example', 403],
    ['https://phone.example:8443', 403],
    ['http://phone.example', 403],
    ['http://localhost:3001', 403],
    ['null', 403],
    ['', 403],
  ])('[DOOR6] lets in only web pages that are on the list: "%s" %i', async (origin, status) => {
    const reply = await rawRequest(holdfast.url, { path: '/api/sessions', headers: { origin } });
    expect(reply.status).toBe(status);
    if (status === 403) expect(JSON.parse(reply.text)).toMatchObject({ code: 'origin-not-allowed' });
    const socket = await rawRequest(holdfast.url, { path: '/nothing', headers: { ...upgrade, origin } });
    expect(socket.status).toBe(status === 200 ? 404 : 403);
  });

  it('[DOOR7] locks nobody out who has the token, however many wrong ones are tried from the same address', async () => {
    const tried = { wrong: 0, limited: 0, other: 0 };
    let going = true;
    const attack = async (): Promise<void> => {
      while (going) {
        const response = await fetch(`${holdfast.url}/api/sessions`, { headers: { authorization: 'Bearer guess' } });
        await response.arrayBuffer();
        tried[response.status === 401 ? 'wrong' : response.status === 429 ? 'limited' : 'other'] += 1;
      }
    };
    const attackers = Array.from({ length: 8 }, attack);
    const statuses: number[] = [];
    // Three seconds at 100 requests a second.
    for (let batch = 0; batch < 30; batch++) {
      const began = performance.now();
      statuses.push(
        ...(await Promise.all(Array.from({ length: 10 }, async () => (await holdfast.client.call('GET', '/api/sessions?limit=1')).status))),
      );
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, 100 - (performance.now() - began))));
    }
    going = false;
    await Promise.all(attackers);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(tried.limited).toBeGreaterThan(0);
    expect(tried.wrong).toBeLessThanOrEqual(200);
    expect(tried.other).toBe(0);
  });

  it('[DOOR8] keeps project folders inside the roots by their real paths, and makes none', async () => {
    const { client, root } = holdfast;
    const outside = join(root, '..', `${root.split('/').at(-1)}-beside`);
    mkdirSync(outside);
    symlinkSync(outside, join(root, 'way-out'));
    symlinkSync(holdfast.folder('inside'), join(root, 'way-in'));
    try {
      const tries = async (projectPath: string): Promise<unknown> => {
        const { status, body } = await client.call<{ code?: string; projectPath?: string }>('POST', '/api/sessions', { projectPath });
        return [status, body.code ?? body.projectPath];
      };
      expect(await tries(join(root, 'way-in'))).toEqual([201, join(root, 'inside')]);
      expect(await tries(join(root, 'way-out'))).toEqual([403, 'project-not-allowed']);
      expect(await tries(`${root}/inside/../../${outside.split('/').at(-1)}`)).toEqual([403, 'project-not-allowed']);
      expect(await tries(outside)).toEqual([403, 'project-not-allowed']);
      expect(await tries(join(outside, 'missing'))).toEqual([403, 'project-not-allowed']);
      expect(await tries(join(root, 'way-out/missing'))).toEqual([403, 'project-not-allowed']);
      expect(await tries(join(root, 'missing'))).toEqual([404, 'project-not-found']);
      expect(existsSync(join(root, 'missing'))).toBe(false);
      expect(readdirSync(outside)).toEqual([]);
      expect(await tries('__workspace__')).toEqual([201, root]);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it('[DOOR9] writes no token and no ticket into its log, however much that says', async () => {
    const { client } = holdfast;
    const { ticket } = (await client.call<{ ticket: string }>('POST', '/api/ws-ticket')).body;
    await (await TestSocket.open(holdfast.url, `/ws?ticket=${ticket}`, { token: null })).close();
    await rawRequest(holdfast.url, { path: `/api/sessions?token=${TOKEN}&after=${ticket}`, headers: { authorization: 'Bearer other' } });
    await client.ask({ message: 'crash', projectPath: holdfast.folder('logged') });
    expect(holdfast.output).not.toContain(TOKEN);
    expect(holdfast.output).not.toContain(ticket);
  });
});

describe('a server that takes its token from an address', () => {
  let holdfast: Holdfast;
  beforeAll(async () => {
    holdfast = await Holdfast.start({ env: { ALLOW_TOKEN_IN_URL: 'true', LOG_LEVEL: 'trace' } });
  });
  afterAll(() => holdfast.dispose());

  it('[PA18] takes it at /ws alone, from the published app and from nobody with another one, and never logs it', async () => {
    const bare = { ...upgrade, authorization: undefined };
    const socket = await TestSocket.open(holdfast.url, `/ws?token=${TOKEN}`, { token: null });
    expect(socket.frames[0]).toMatchObject({ type: 'welcome' });
    await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    await socket.close();
    const { sessionId } = await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
    const refused = ['/ws?token=other-token-0123456789', '/ws?token=', '/ws', `/api/sessions/${sessionId}/stream?token=${TOKEN}`];
    for (const path of refused) expect([path, (await rawRequest(holdfast.url, { path, headers: bare })).status]).toEqual([path, 401]);
    const evil = await rawRequest(holdfast.url, { path: `/ws?token=${TOKEN}`, headers: { ...bare, origin: 'https://evil.example' } });
    expect(evil.status).toBe(403);
    for (const path of [`/api/sessions?token=${TOKEN}`, `/ws?token=${TOKEN}`]) {
      const reply = await rawRequest(holdfast.url, { path, headers: { authorization: undefined } });
      expect(reply.status).toBe(401);
      expect(reply.text).not.toContain(TOKEN);
    }
    await rawRequest(holdfast.url, { path: `/ws?token=${TOKEN}&after=x`, headers: bare });
    expect(holdfast.output).toContain('ALLOW_TOKEN_IN_URL is on');
    expect(holdfast.output).not.toContain(TOKEN);
  });
});

describe('what an agent gets to know', () => {
  const secrets = {
    DATABASE_KEY: 'database-secret-1',
    APNS_KEY_ID: 'apns-secret-2',
    APNS_TEAM_ID: 'apns-secret-3',
    APNS_TOPIC: 'apns-secret-4',
    HOLDFAST_EXTRA: 'holdfast-secret-5',
    SOME_API_KEY: 'other-secret-6',
    GITHUB_TOKEN: 'other-secret-7',
    CLAUDECODE: 'outer-agent-8',
  };
  let model: Awaited<ReturnType<typeof startModelServer>>;
  let sandbox: AgentSandbox;
  let holdfast: Holdfast;
  beforeAll(async () => {
    model = await startModelServer();
    sandbox = agentSandbox(model.url);
    holdfast = await Holdfast.start({ env: { ...sandbox.env, ...secrets, AGENT_ENV: 'GREETING,AUTH_TOKEN,APNS_*', GREETING: 'hi there' } });
  });
  afterAll(async () => {
    await holdfast.dispose();
    sandbox.remove();
    await model.close();
  });

  it.each(['echo', 'claude'])('[DOOR10] keeps the secrets of the server from %s and everything beside it', async (agent) => {
    const { client } = holdfast;
    const { sessionId } = await client.ask({ message: 'hello', agent, projectPath: holdfast.folder(agent) });
    const mark = (await journalOf(holdfast, sessionId)).split('/').at(-1) ?? '';
    const { pid } = await client.status(sessionId);
    const own = readFileSync(`/proc/${pid ?? 0}/environ`, 'utf8');
    const full = /HOLDFAST_INCARNATION=([^\0]+)/.exec(own)?.[1] ?? '';
    expect(full.endsWith(`/${mark}`)).toBe(true);
    const processes = members({ groupId: null, agent: null, mark: full }).filter(isAlive);
    expect(processes.length).toBeGreaterThanOrEqual(3);
    for (const process of processes) {
      const environment = readFileSync(`/proc/${process.pid}/environ`, 'utf8');
      for (const secret of [TOKEN, ...Object.values(secrets)]) expect(environment).not.toContain(secret);
      expect(environment).not.toMatch(/(^|\0)(AUTH_TOKEN|DATABASE_KEY|APNS_\w+|DATA_DIR|PROJECT_ROOTS)=/);
      const line = readFileSync(`/proc/${process.pid}/cmdline`, 'utf8');
      expect(line).not.toContain(TOKEN);
    }
    expect(own).toContain('GREETING=hi there');
    expect(own.includes('ANTHROPIC_API_KEY=')).toBe(agent === 'claude');
  });
});
