import { connect } from 'node:http2';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPushSandbox, type PushSandbox, type PushSandboxOptions } from '../../cli/push-sandbox/push-sandbox.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { deviceToken, Provider, providerToken, type Answer } from './provider.ts';

let clock: FakeClock;
let sandbox: PushSandbox;
let provider: Provider;
const log: string[] = [];

async function start(options: PushSandboxOptions = {}): Promise<void> {
  clock = new FakeClock();
  sandbox = await startPushSandbox({ clock, log: (text) => log.push(text), ...options });
  provider = new Provider(sandbox, providerToken(sandbox, clock.now()));
}
beforeEach(() => start());
afterEach(async () => {
  provider.close();
  await sandbox.close();
});

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);
const outcomes = (): string[] => sandbox.pushes().map(({ outcome }) => outcome.kind);
const pushAll = (count: number): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => provider.push({ token: deviceToken(index + 1) })));

/** Ten pushes of which none is answered before the clock says so; the third brings a GOAWAY a second before the others' time. */
async function tenWithGoAway(inFlight: 'finish' | 'refuse'): Promise<Answer[]> {
  await provider.push();
  sandbox.script({ when: { nth: 3 }, then: { do: 'goaway', inFlight, delayMs: 1000 } });
  sandbox.script({ then: { do: 'accept', delayMs: 2000 } });
  const answers = pushAll(10);
  await eventually(() => sandbox.pushes().length === 11 && sandbox.pushes().every(({ body }) => body !== ''));
  clock.advance(1000);
  await eventually(() => provider.goAways.length > 0);
  clock.advance(1000);
  return answers;
}

describe('GOAWAY', () => {
  it('[PSB12] with streams in flight: they are finished, and the connection ends then', async () => {
    expect(statuses(await tenWithGoAway('finish'))).toEqual(Array<number>(10).fill(200));
    expect(provider.goAways[0]).toEqual({ code: 0, lastStream: 21, text: '{"reason":"Shutdown"}' });
    await eventually(() => provider.session.destroyed && sandbox.connections().length === 0);
  });

  it('[PSB12] with streams in flight: those behind it are left unprocessed, and the client knows it', async () => {
    const answers = await tenWithGoAway('refuse');
    expect(statuses(answers)).toEqual([200, 200, 200, 0, 0, 0, 0, 0, 0, 0]);
    for (const { error } of answers.slice(3)) expect(error).toContain('NGHTTP2_REFUSED_STREAM');
    // Stream 1 was the first push of the connection.
    expect(provider.goAways[0]).toEqual({ code: 0, lastStream: 7, text: '{"reason":"Shutdown"}' });
    expect(outcomes()).toEqual([...Array<string>(4).fill('accepted'), ...Array<string>(7).fill('gone')]);
    const received = Array.from({ length: 10 }, (_, index) => sandbox.device(deviceToken(index + 1)).received);
    expect(received).toEqual([2, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    await eventually(() => provider.session.destroyed && sandbox.connections().length === 0);
  });

  it('[PSB12] at once, for every connection', async () => {
    sandbox.script({ then: { do: 'accept', delayMs: 1000 } });
    const refused = pushAll(2);
    await eventually(() => sandbox.connections()[0]?.streams === 2);
    sandbox.goAway('refuse');
    expect(statuses(await refused)).toEqual([0, 0]);
    for (const { error } of await refused) expect(error).toContain('NGHTTP2_REFUSED_STREAM');
    provider.close();
    provider = new Provider(sandbox, providerToken(sandbox, clock.now()));
    const finished = pushAll(2);
    await eventually(() => sandbox.connections().find(({ number }) => number === 2)?.streams === 2);
    sandbox.goAway('finish');
    clock.advance(1000);
    expect(statuses(await finished)).toEqual([200, 200]);
  });

  it('[PSB12] a client that does not leave is left', async () => {
    const client = tlsConnect({ port: sandbox.port, host: sandbox.host, ca: sandbox.ca, ALPNProtocols: ['h2'] });
    // The preface of HTTP/2 and an empty SETTINGS frame; then it says nothing more.
    client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    client.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    client.resume();
    await eventually(() => sandbox.connections().length === 2);
    sandbox.goAway('finish');
    await new Promise((resolve) => client.once('close', resolve));
    await eventually(() => sandbox.connections().length === 0);
  });

  it('[PSB12] 300 pushes with a GOAWAY and a cut in the middle: each is shown once, when what got no answer is sent again', async () => {
    sandbox.script({ when: { nth: 100 }, then: { do: 'goaway', inFlight: 'refuse' } });
    sandbox.script({ when: { nth: 200 }, then: { do: 'cut', taken: false } });
    let left = Array.from({ length: 300 }, (_, index) => deviceToken(index + 1));
    let rounds = 0;
    for (; left.length > 0 && rounds < 10; rounds++) {
      const answers = await Promise.all(left.map((token) => provider.push({ token })));
      left = left.filter((_token, index) => answers[index]?.status !== 200);
      if (left.length === 0) break;
      provider.close();
      provider = new Provider(sandbox, providerToken(sandbox, clock.now()));
    }
    expect(rounds).toBe(2);
    const received = Array.from({ length: 300 }, (_, index) => sandbox.device(deviceToken(index + 1)).received);
    expect(received).toEqual(Array<number>(300).fill(1));
    const { accepted, broken, gone, received: came } = sandbox.counts();
    expect({ accepted, broken, all: accepted + broken + gone }).toEqual({ accepted: 300, broken: 1, all: came });
  });
});

describe('streams', () => {
  const most = (): number | undefined => provider.session.remoteSettings.maxConcurrentStreams;

  it('[PSB13] are one at a time until a provider token was valid, then as many as allowed', async () => {
    provider.authorization = `bearer ${providerToken(sandbox, clock.now(), { claims: { iss: 'ABCDE12345' } })}`;
    expect(await provider.push()).toMatchObject({ reason: 'InvalidProviderToken' });
    expect(most()).toBe(1);
    provider.authorization = `bearer ${providerToken(sandbox, clock.now())}`;
    expect(await provider.push({ body: '' })).toMatchObject({ reason: 'PayloadEmpty' });
    await eventually(() => most() === 1000);
  });

  it('[PSB13] that wait for an answer are never more than allowed', async () => {
    await provider.push();
    sandbox.allowStreams(4);
    await eventually(() => most() === 4);
    sandbox.script({ then: { do: 'accept', delayMs: 1000 } });
    const answers = pushAll(10);
    for (const served of [5, 9, 11]) {
      await eventually(() => sandbox.connections()[0]?.served === served && sandbox.pushes().every(({ body }) => body !== ''));
      expect(sandbox.connections()[0]?.streams).toBe(served === 11 ? 2 : 4);
      clock.advance(1000);
    }
    expect(statuses(await answers)).toEqual(Array<number>(10).fill(200));
  });

  it('[PSB13] are many from the beginning where that is asked for', async () => {
    provider.close();
    await sandbox.close();
    await start({ oneUntilTrusted: false, streams: 50 });
    await provider.push();
    expect(most()).toBe(50);
  });
});

describe('connections', () => {
  it('[PSB14] are numbered, and each push says on which it came', async () => {
    const second = new Provider(sandbox, providerToken(sandbox, clock.now()));
    await provider.push();
    await second.push();
    await provider.push();
    expect(sandbox.pushes().map(({ connection, stream }) => [connection, stream])).toEqual([
      [1, 1],
      [2, 1],
      [1, 3],
    ]);
    second.close();
    await eventually(() => sandbox.connections().length === 1);
  });

  it('[PSB11] can be cut at once', async () => {
    await provider.push();
    sandbox.script({ then: { do: 'accept', delayMs: 1000 } });
    const answers = pushAll(3);
    await eventually(() => sandbox.connections()[0]?.streams === 3);
    sandbox.cutConnections();
    clock.advance(1000);
    expect(statuses(await answers)).toEqual([0, 0, 0]);
    expect(outcomes()).toEqual(['accepted', 'gone', 'gone', 'gone']);
  });

  it('[PSB1] are refused by a client that does not trust the CA, and the log says so', async () => {
    const stranger = connect(sandbox.url);
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => stranger.once('error', resolve));
    expect(error.code).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/);
    await eventually(() => log.some((text) => text.includes('trust the CA')));
  });

  it('[PSB1] need HTTP/2 and TLS 1.2', async () => {
    const versions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const old = await new Promise((resolve) => {
      const client = tlsConnect({ port: sandbox.port, host: sandbox.host, ca: sandbox.ca, ...versions }, () =>
        resolve(client.getProtocol()),
      );
      client.once('error', resolve);
    });
    expect(old).toMatchObject({ code: expect.stringContaining('PROTOCOL_VERSION') });
    const plain = tlsConnect({ port: sandbox.port, host: sandbox.host, ca: sandbox.ca, ALPNProtocols: ['http/1.1'] });
    plain.on('error', () => undefined);
    await new Promise((resolve) => plain.once('close', resolve));
    expect(plain.alpnProtocol).not.toBe('h2');
  });

  it('[PSB21] at the end: what is under way gets Shutdown, clients get GOAWAY, and the port is free', async () => {
    await provider.push();
    sandbox.script({ then: { do: 'accept', delayMs: 1000 } });
    const answers = pushAll(3);
    await eventually(() => sandbox.connections()[0]?.streams === 3);
    const { port } = sandbox;
    const ending = performance.now();
    await sandbox.close();
    expect(performance.now() - ending).toBeLessThan(400);
    expect(await answers).toMatchObject(Array(3).fill({ status: 503, reason: 'Shutdown' }));
    expect(provider.goAways[0]?.text).toBe('{"reason":"Shutdown"}');
    const next = await startPushSandbox({ port });
    expect(next.port).toBe(port);
    await next.close();
  });

  it('[PSB21] at the end: a client that does not go is made to', async () => {
    sandbox.script({ then: { do: 'silence', taken: false } });
    const answer = provider.push();
    await eventually(() => sandbox.counts().broken === 1);
    await sandbox.close();
    expect(await answer).toMatchObject({ status: 0 });
  });
});
