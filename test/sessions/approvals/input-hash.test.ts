import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalJson, inputHash } from '../../../server/sessions/approvals/input-hash.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('the hash of an input', () => {
  it('[AP1] is the SHA-256 of its canonical JSON, the same whatever the order of its members, at any depth', () => {
    expect(canonicalJson({ b: 1, a: [{ d: 'é\n', c: null }] })).toBe('{"a":[{"c":null,"d":"é\\n"}],"b":1}');
    expect(inputHash({ command: 'ls', description: 'x' })).toBe(sha('{"command":"ls","description":"x"}'));
    expect(inputHash({ a: { x: 1, y: 2 }, b: 3 })).toBe(inputHash({ b: 3, a: { y: 2, x: 1 } }));
    expect(inputHash(undefined)).toBe(sha('null'));
  });

  it('[AP1] sorts members that look like numbers as texts too, as RFC 8785 has it', () => {
    expect(canonicalJson({ 9: 1, 10: 2, b: { 2: 'x', 11: 'y', 1.5: 'z' } })).toBe('{"10":2,"9":1,"b":{"1.5":"z","11":"y","2":"x"}}');
    expect(canonicalJson(JSON.parse('{"b":-0,"__proto__":[1e21,{}]}'))).toBe('{"__proto__":[1e+21,{}],"b":0}');
  });

  it('[AP1] differs for whatever differs', () => {
    const inputs = [{ a: 1 }, { a: '1' }, { a: [1] }, { a: 1, b: null }, {}, [], null, 'a', { a: ' 1' }, { A: 1 }];
    expect(new Set(inputs.map(inputHash)).size).toBe(inputs.length);
  });
});
