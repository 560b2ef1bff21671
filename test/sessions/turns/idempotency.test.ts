import { describe, expect, it } from 'vitest';
import { bodyHash } from '../../../server/sessions/turns/idempotency.ts';

describe('the same body', () => {
  const body = { message: 'hello', projectPath: '/p', attachments: [{ name: 'a', size: 1 }], wait: true, timestamp: 1, deviceToken: 'x' };

  it('[SE51] is the same whatever the order of its members, at any depth', () => {
    const shuffled = {
      deviceToken: 'x',
      timestamp: 1,
      attachments: [{ size: 1, name: 'a' }],
      projectPath: '/p',
      wait: true,
      message: 'hello',
    };
    expect(bodyHash(shuffled)).toBe(bodyHash(body));
  });

  it('[SE52] leaves out timestamp, wait and deviceToken', () => {
    expect(bodyHash({ ...body, wait: 5, timestamp: 2, deviceToken: 'y' })).toBe(bodyHash(body));
  });

  it.each([{ message: 'hello!' }, { projectPath: '/q' }, { attachments: [] }, { mode: 'plan' }])('[SE53] is another with %o', (change) => {
    expect(bodyHash({ ...body, ...change })).not.toBe(bodyHash(body));
  });
});
