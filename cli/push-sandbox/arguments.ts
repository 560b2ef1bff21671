import { parseArgs } from 'node:util';
import type { PushSandboxOptions } from './push-sandbox.ts';

/** What `npm run push-sandbox -- …` can be told. */
export const usage = `npm run push-sandbox -- [options]

  --port N            port of the push service (2197, or a free one where that is taken)
  --control-port N    port of the page (2198, or a free one where that is taken)
  --folder PATH       keep the CA and the key here, and use them again (else a new folder, removed at the end)
  --topic ID          bundle id of the app; can be given several times (else any may be pushed to)
  --category N=A,B    actions A and B of the notification category N, for the page; can be given several times

What goes wrong is scripted at the control port, with JSON:

  POST /script {"when": …, "then": …}      of several rules the first decides; GET lists them, DELETE /script[/id] takes them out
    when   token, topic, pushType, nth, times; all may be left out
    then   {"do": "accept"}, {"do": "refuse", "reason", "status", "retryAfter", "timestamp"},
           {"do": "cut" or "reset" or "silence", "taken": true where the phone got the push all the same},
           {"do": "goaway", "inFlight": "finish" or "refuse"}; each with "delayMs"
  PUT  /devices/TOKEN {"topic", "unregisteredAt"}
  POST /connections {"do": "cut"}, {"do": "goaway", "inFlight"}, {"do": "allow", "streams"}
  GET  /pushes?after=&limit=   /devices   /devices/TOKEN   /status
`;

/** What was asked for, or what is wrong with it. Ports and folder are left out where they were not given. */
export type Asked = { ask: 'run'; options: PushSandboxOptions } | { ask: 'help' } | { ask: 'wrong'; sentence: string };

function portOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new RangeError(`--${name} is a port, 0 to 65535.`);
  return port;
}

function categoriesOf(texts: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, actions] = /^([^=]+)=(.+)$/.exec(text) ?? [];
      if (name === undefined || actions === undefined) throw new RangeError('--category is NAME=ACTION,ACTION.');
      return [name, actions.split(',')];
    }),
  );
}

/** Reads the command line. */
export function readArguments(args: readonly string[]): Asked {
  const several = { type: 'string', multiple: true } as const;
  const one = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { port: one, 'control-port': one, folder: one, topic: several, category: several, help: { type: 'boolean' } },
    });
    if (values.help) return { ask: 'help' };
    const port = portOf('port', values.port);
    const controlPort = portOf('control-port', values['control-port']);
    const options: PushSandboxOptions = {
      ...(port === undefined ? {} : { port }),
      ...(controlPort === undefined ? {} : { controlPort }),
      ...(values.folder === undefined ? {} : { folder: values.folder }),
      ...(values.topic === undefined ? {} : { topics: values.topic }),
      categories: categoriesOf(values.category ?? []),
    };
    return { ask: 'run', options };
  } catch (error) {
    return { ask: 'wrong', sentence: error instanceof Error ? error.message : String(error) };
  }
}
