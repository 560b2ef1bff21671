import { describe, expect, it } from 'vitest';
import { refresh } from '../../scripts/docs/markers.ts';
import { exampleEnv } from '../../scripts/docs/example-env.ts';
import { settingNames } from '../../config/settings-table.ts';

describe('generated pages', () => {
  it('[HOUSE4] only what is between the markers changes, and a second time nothing does', () => {
    const page = 'a\n<!-- generated:x -->\nold\n<!-- /generated -->\nb\n';
    const once = refresh(page, { x: () => 'new $1' });
    expect(once).toBe('a\n<!-- generated:x -->\n\nnew $1\n\n<!-- /generated -->\nb\n');
    expect(refresh(once, { x: () => 'new $1' })).toBe(once);
  });

  it('[HOUSE4] a marker that nobody fills is an error', () => {
    expect(() => refresh('<!-- generated:y -->\n<!-- /generated -->', {})).toThrow('y');
  });

  it('[HOUSE5] example.env has every setting, all switched off', () => {
    const lines = exampleEnv().split('\n');
    for (const name of settingNames) expect(lines.some((line) => line.startsWith(`# ${name}=`))).toBe(true);
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });
});
