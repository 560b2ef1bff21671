import { join } from 'node:path';
import { makeCredentials, saveCredentials } from '../../cli/push-sandbox/credentials.ts';
import { pushSettings } from '../../cli/push-sandbox/settings-text.ts';
import { packageRoot } from '../../config/find-command.ts';
import { eventually } from '../../test/support/eventually.ts';
import { Holdfast } from '../../test/support/holdfast.ts';
import { registerMany } from '../../test/support/many-devices.ts';
import { peakMb, residentMb } from '../../test/support/memory.ts';
import { Cleanup } from '../cleanup.ts';
import { cpuMs } from '../process-cpu.ts';
import type { LoopMessage, LoopRequest } from '../push/bare-loop.ts';
import { Child } from '../push/child.ts';
import type { SeenPush, ServiceMessage, ServiceRequest } from '../push/push-service.ts';
import { milliseconds, percent, type Row } from '../report.ts';
import { serverStart } from '../stage.ts';
import { median } from '../statistics.ts';

const DEVICES = 10_000;
const ROUNDS = 5;
const LIMIT_MS = 50;
const LEAST_RATIO = 0.5;

type Service = Child<ServiceRequest, ServiceMessage>;
type Loop = Child<LoopRequest, LoopMessage>;

/** Sending to all devices once. */
interface Run {
  milliseconds: number;
  /** CPU of the sending process, all threads. */
  cpuMs: number;
}
/** The same by the server. */
interface Drain extends Run {
  /** The longest turn of its event loop, on the main thread's CPU and on the wall. */
  turnMs: { cpu: number; wall: number };
  /** The server's highest resident set so far, in MiB. */
  peakMb: number;
}

/**
 * One event for 10,000 devices: from sending the message whose answer is told until every push was answered by the push service and
 * nothing waits in the outbox. Against it a bare loop of node:http2 on one connection with as many streams as the service allows, which
 * sends the same payload with the same headers to as many devices and keeps nothing. Server, loop and service are processes of their own;
 * the service is the same for both, and does nothing but answer.
 */
export async function pushOutbox(): Promise<Row[]> {
  const cleanup = new Cleanup();
  const folder = cleanup.folder();
  try {
    const credentials = makeCredentials(Date.now());
    const files = saveCredentials(folder, credentials);
    const { child: service, first: listening } = await Child.start<ServiceRequest, ServiceMessage>(cleanup, 'push-service.ts', [folder]);
    const port = 'port' in listening ? listening.port : 0;
    const { providerKey } = credentials;
    const holdfast = await serverWithDevices(cleanup, pushSettings({ host: '127.0.0.1', port, providerKey, files, topic: undefined }));
    const { child: loop } = await Child.start<LoopRequest, LoopMessage>(cleanup, 'bare-loop.ts', [`https://127.0.0.1:${port}`, folder]);
    const idleMb = residentMb(holdfast.pid);
    // The first of each warms both up, and shows what a push is like.
    const { like, run: first } = await drain(holdfast, service);
    await bare(loop, service, like);
    const runs: { ours: Drain; bare: Run }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const early = round % 2 === 1 ? await bare(loop, service, like) : null;
      const { run: ours } = await drain(holdfast, service);
      runs.push({ ours, bare: early ?? (await bare(loop, service, like)) });
    }
    return rows(runs, { idleMb, firstMb: first.peakMb });
  } finally {
    await cleanup.run();
  }
}

/** A server as `npm start` runs it, which also measures its turns, with one session. */
async function serverWithDevices(cleanup: Cleanup, settings: Record<string, string>): Promise<Holdfast> {
  const program = join(packageRoot, 'bench/push/timed-server.ts');
  const holdfast = await Holdfast.start({ program, env: { ...serverStart().env, ...settings, PUSH_ESCALATE_SECONDS: '0' } });
  cleanup.add(() => holdfast.dispose());
  await holdfast.client.ask({ message: 'hello', projectPath: holdfast.project });
  await holdfast.stop();
  registerMany(holdfast.dataDir, DEVICES);
  await holdfast.start();
  return holdfast;
}

async function isDrained({ client }: Holdfast): Promise<boolean> {
  return (await client.call<{ push: { queued: number } }>('GET', '/health')).body.push.queued === 0;
}

async function drain(holdfast: Holdfast, service: Service): Promise<{ run: Drain; like: SeenPush }> {
  await longestTurn(holdfast);
  const { pid } = holdfast;
  const cpu = cpuMs(pid);
  const from = performance.now();
  const answered = service.ask({ pushes: DEVICES });
  await holdfast.client.ask({ message: 'For everybody', projectPath: holdfast.project });
  const all = await answered;
  await eventually(() => isDrained(holdfast), 60);
  const run = { milliseconds: performance.now() - from, cpuMs: cpuMs(pid) - cpu, peakMb: peakMb(pid) };
  const turnMs = await longestTurn(holdfast);
  if (!('last' in all)) throw new Error('The push service was started anew.');
  return { run: { ...run, turnMs }, like: all.last };
}

async function bare(loop: Loop, service: Service, like: SeenPush): Promise<Run> {
  const cpu = cpuMs(loop.pid);
  const answered = service.ask({ pushes: DEVICES });
  const message = await loop.ask({ pushes: DEVICES, like });
  const used = cpuMs(loop.pid) - cpu;
  await answered;
  return { milliseconds: 'milliseconds' in message ? message.milliseconds : NaN, cpuMs: used };
}

/** The longest turn of the server's event loop since the last time. */
async function longestTurn(holdfast: Holdfast): Promise<Drain['turnMs']> {
  const from = holdfast.output.length;
  process.kill(holdfast.pid, 'SIGUSR2');
  const [, cpu, wall] = await eventually(() => /Turn (\S+) (\S+)\n/.exec(holdfast.output.slice(from)));
  return { cpu: Number(cpu), wall: Number(wall) };
}

function rows(runs: readonly { ours: Drain; bare: Run }[], { idleMb, firstMb }: { idleMb: number; firstMb: number }): Row[] {
  const middle = (of: (run: { ours: Drain; bare: Run }) => number): number => median(runs.map(of));
  const ratio = middle(({ ours, bare }) => bare.milliseconds / ours.milliseconds);
  const rate = (time: number): string => `${Math.round((DEVICES * 1_000) / time).toLocaleString('en')} pushes/s`;
  const each = (time: number): string => `${Math.round((time * 1_000) / DEVICES)} µs`;
  const most = Math.max(...runs.map(({ ours }) => ours.peakMb));
  const turn = middle(({ ours }) => ours.turnMs.wall);
  return [
    {
      measure: `push outbox: one event for ${DEVICES.toLocaleString('en')} devices (median of ${ROUNDS} pairs)`,
      ours: rate(middle(({ ours }) => ours.milliseconds)),
      baseline: `${rate(middle(({ bare }) => bare.milliseconds))} bare node:http2 loop`,
      compared: percent(ratio),
      target: `≥ ${percent(LEAST_RATIO)}`,
      met: ratio >= LEAST_RATIO,
    },
    {
      measure: 'push outbox: CPU of the sending process for one push',
      ours: each(middle(({ ours }) => ours.cpuMs)),
      baseline: `${each(middle(({ bare }) => bare.cpuMs))} bare node:http2 loop`,
      compared: `${middle(({ ours, bare }) => ours.cpuMs / bare.cpuMs).toFixed(1)}×`,
      target: '',
      met: null,
    },
    {
      measure: 'push outbox: longest turn of the event loop meanwhile, on the wall',
      ours: milliseconds(turn),
      baseline: `${milliseconds(middle(({ ours }) => ours.turnMs.cpu))} of CPU`,
      compared: '',
      target: `≤ ${LIMIT_MS} ms`,
      met: turn <= LIMIT_MS,
    },
    {
      measure: `push outbox: resident set at its peak, after ${ROUNDS + 1} events for all`,
      ours: `${most.toFixed(1)} MiB`,
      baseline: `${firstMb.toFixed(1)} MiB after the first, ${idleMb.toFixed(1)} MiB before`,
      compared: `+${(most - firstMb).toFixed(1)} MiB since the first`,
      target: '',
      met: null,
    },
  ];
}
