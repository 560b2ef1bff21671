import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../config/find-command.ts';
import { eachEndpoint } from '../../server/contracts/registry.ts';
import { Problem } from '../../server/contracts/server-views.ts';
import { errorCodes } from '../../server/platform/error-codes.ts';

const page = readFileSync(path.join(packageRoot, 'API.md'), 'utf8');
const sections = page.split(/^### /m).slice(1);
/** These say the same as another endpoint, and are named in its section. */
const aliases = ['interactiveStatus', 'interactiveStop'];

describe('API.md', () => {
  it('[API18] names every error code', () => {
    for (const code of Object.keys(errorCodes)) expect(page).toContain(`\`${code}\``);
  });

  it.each(eachEndpoint().filter(({ id }) => !aliases.includes(id)))(
    '[API18] explains $id with a call, and its answers fit the schema',
    ({ id, spec }) => {
      const title = `${spec.method} ${spec.path.replaceAll(/\{(\w+)\}/g, ':$1')}\n`;
      const section = sections.find((text) => text.startsWith(title));
      expect(section, `a section "${title.trim()}"`).toBeDefined();
      expect(section).toContain(`<!-- generated:curl_${id} -->`);
      for (const [, status, answer] of (section ?? '').matchAll(/^`(\d+)`\n\n```json\n([\s\S]*?)```/gm)) {
        const schema = spec.responses[Number(status)];
        expect(schema?.safeParse(JSON.parse(answer ?? '')).error, `the answer ${status}`).toBeUndefined();
      }
    },
  );

  it('[API19] its example of an error is one', () => {
    const example = /```json problem\n([\s\S]*?)```/.exec(page)?.[1];
    expect(Problem.safeParse(JSON.parse(example ?? '')).error).toBeUndefined();
  });
});
