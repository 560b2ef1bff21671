import { beforeAll, describe, expect, it } from 'vitest';
import { Event, eventData } from '../../server/contracts/events.ts';
import { eachEndpoint, endpoints } from '../../server/contracts/registry.ts';
import { Problem } from '../../server/contracts/server-views.ts';
import { errorCodes } from '../../server/platform/error-codes.ts';
import { canMount } from '../support/disk.ts';
import { fixtures, normalise } from '../support/fixtures.ts';
import { has } from '../support/terminal.ts';
import { takeTour, type Tour } from '../support/tour.ts';

/** Event kinds that no server of this version logs, each with the reason. Whoever builds one takes it from here. */
const notYetEvents: Record<string, string> = {
  'tool.updated': 'the echo agent, with which the tour is taken, has no tool that takes time',
  plan: 'the echo agent makes no plans',
  'rate-limited': 'the echo agent has no limits, and the scripted model sends none',
  compacted: 'the echo agent never compacts its context',
};

/** Error codes that no answer has in this version, each with the reason. */
const notYetErrors: Record<string, string> = {
  'bad-attachment': 'a wrong attachment is a validation error that names its field',
  'shutting-down': 'only for the moment in which a server stops',
  'locked-data-dir': 'printed at the start, never sent',
  'bad-setting': 'printed at the start, never sent',
  'line-too-long': 'told as a notice in the log',
  'start-failed': 'a turn fails with it; POST …/start answers before an agent ends by itself',
  internal: 'a defect',
};

/** One stands beside the fixtures, the other is no JSON. */
const noFixture = ['openapi.200', 'metrics.200'];

/** What a machine without the right to mount a disk can't produce. */
const needsDisk = ['ready.503', 'disk-full'];
/** What one without tmux can't. */
const needsTmux = ['createSession.200', 'input.200', 'screen.200', 'output', 'resized', 'name-taken'];
/** What is answered otherwise there. */
const tellsOfTmux = ['agents.200', 'health.200'];

describe('contracts', () => {
  const mountable = canMount();
  const terminals = has('tmux');
  let tour: Tour;
  beforeAll(async () => {
    tour = await takeTour();
  }, 120_000);

  const skipped = (name: string): boolean => (!mountable && needsDisk.includes(name)) || (!terminals && needsTmux.includes(name));
  const names = (map: Map<string, unknown>, beside: string[] = []): string[] => [...map.keys(), ...beside].sort();
  const fixed = (entries: Iterable<[string, unknown]>): Record<string, unknown> =>
    Object.fromEntries([...entries].map(([name, value]) => [name, normalise(value, tour.places)]));

  it('[API50] answers at every endpoint, with every status that it says, in exactly the shape that it says', () => {
    const promised = eachEndpoint().flatMap(({ id, spec }) => Object.keys(spec.responses).map((status) => `${id}.${status}`));
    expect(names(tour.answers)).toEqual(promised.filter((name) => !skipped(name)).sort());
    for (const [name, { id, status, body }] of tour.answers) {
      const schema = (endpoints[id].responses as Record<number, { parse: (value: unknown) => unknown }>)[status];
      // Parsing drops what a schema does not know: an equal value has no member that clients were not told of.
      expect({ name, body: schema?.parse(body) }).toEqual({ name, body });
    }
  });

  it('[EV50] logs every kind of event in exactly its shape, but for those that are not built yet', () => {
    const kinds = [...Object.values(eventData).flatMap((table) => Object.keys(table)), 'gap', 'ahead'];
    expect(names(tour.events, Object.keys(notYetEvents))).toEqual(kinds.filter((kind) => !skipped(kind)).sort());
    for (const event of tour.events.values()) expect(Event.parse(event)).toEqual(event);
  });

  it('[API51] says no with every error code, but for those that no answer has', () => {
    const codes = Object.keys(errorCodes).filter((code) => !skipped(code));
    expect(names(tour.errors, Object.keys(notYetErrors))).toEqual(codes.sort());
    for (const [code, problem] of tour.errors) {
      expect(Problem.parse(problem)).toEqual(problem);
      expect(problem).toMatchObject({ code, status: errorCodes[code as keyof typeof errorCodes].status, error: problem['detail'] });
    }
  });

  it.each(['events', 'bodies', 'errors'] as const)(
    '[API52] gives the %s that clients are built with (UPDATE_FIXTURES=1 writes them anew)',
    (kind) => {
      const bodies = [...tour.answers]
        .filter(([name]) => !noFixture.includes(name))
        .map(([name, { body }]): [string, unknown] => [name, body]);
      const fresh = fixed(kind === 'events' ? tour.events : kind === 'errors' ? tour.errors : bodies);
      const here = ([name]: [string, unknown]): boolean => !skipped(name) && (terminals || !tellsOfTmux.includes(name));
      const committed = fixtures(kind, fresh);
      expect(Object.fromEntries(Object.entries(fresh).filter(here))).toEqual(Object.fromEntries(Object.entries(committed).filter(here)));
    },
  );
});
