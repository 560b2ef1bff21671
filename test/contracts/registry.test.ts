import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Answer, Handler, Input } from '../../server/contracts/endpoint.ts';
import { routePath } from '../../server/contracts/endpoint.ts';
import { openApiDocument } from '../../server/contracts/openapi.ts';
import type { Endpoints } from '../../server/contracts/registry.ts';
import { eachEndpoint } from '../../server/contracts/registry.ts';
import type { ChatAccepted, ChatCompleted, StatusView } from '../../server/contracts/views.ts';

const rows = eachEndpoint();
const document = openApiDocument('1.2.3');

describe('the table of endpoints', () => {
  it('[API15] no two endpoints have the same method and path', () => {
    const doors = rows.map(({ spec }) => `${spec.method} ${spec.path}`);
    expect(new Set(doors).size).toBe(doors.length);
  });

  it('[API15] only /health and /ready need no token', () => {
    expect(rows.filter(({ spec }) => !spec.auth).map(({ spec }) => spec.path)).toEqual(['/health', '/ready']);
  });

  it.each(rows)('[API15] $id: every parameter of the path has a schema and an example, and the example is valid', ({ spec }) => {
    const names = [...spec.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    expect(Object.keys(spec.params?.shape ?? {})).toEqual(names);
    expect(Object.keys(spec.example?.params ?? {})).toEqual(names);
    if (spec.body) expect(spec.body.safeParse(spec.example?.body).error).toBeUndefined();
    if (spec.query) expect(spec.query.safeParse(Object.fromEntries(new URLSearchParams(spec.example?.query ?? ''))).error).toBeUndefined();
    expect(routePath(spec)).not.toMatch(/[{}]/);
  });

  it('[API15] a fixed path comes before one with a parameter in its place', () => {
    const paths = rows.map(({ spec }) => spec.path);
    expect(paths.indexOf('/api/sessions/active')).toBeLessThan(paths.indexOf('/api/sessions/{id}'));
  });

  it('[API16] a handler gets its parts parsed and must give one of its answers', () => {
    expectTypeOf<Input<Endpoints['messages']>['query']['limit']>().toEqualTypeOf<number>();
    expectTypeOf<Input<Endpoints['health']>['body']>().toEqualTypeOf<undefined>();
    expectTypeOf<Answer<Endpoints['chat']>['body']>().toEqualTypeOf<ChatAccepted | ChatCompleted>();
    const handler: Handler<Endpoints['status'], undefined> = async ({ params }) => ({
      status: 200,
      body: { sessionId: params.id } as StatusView,
    });
    // @ts-expect-error a status that this endpoint does not have
    const wrong: Handler<Endpoints['status'], undefined> = async () => ({ status: 404, body: {} as StatusView });
    expect([handler, wrong]).toHaveLength(2);
  });
});

describe('openapi.json', () => {
  it('[API17] describes every endpoint, its errors, and who may call it', () => {
    for (const { id, spec } of rows) {
      const operation = document.paths[spec.path]?.[spec.method.toLowerCase()] as {
        operationId: string;
        security?: unknown[];
        responses: object;
      };
      expect(operation.operationId).toBe(id);
      expect(operation.security).toEqual(spec.auth ? undefined : []);
      expect(Object.keys(operation.responses)).toEqual(
        expect.arrayContaining([...Object.keys(spec.responses), '500', ...(spec.auth ? ['401'] : [])]),
      );
    }
  });

  it('[API17] every reference leads somewhere', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]);
    expect(references.length).toBeGreaterThan(100);
    const known = new Set(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`));
    expect(references.filter((reference) => !known.has(reference ?? ''))).toEqual([]);
  });

  it('[API17] shows what a client sends and what it gets, each as it is on the wire', () => {
    const { ChatRequest, SessionsPage } = document.components.schemas as Record<
      string,
      { required?: string[]; additionalProperties?: boolean }
    >;
    expect(ChatRequest?.required).toEqual(['message']);
    expect(SessionsPage?.required).toEqual(['sessions', 'hasMore']);
    expect(SessionsPage?.additionalProperties).toBeUndefined();
    const parameters = (document.paths['/api/sessions']?.['get'] as { parameters: object[] }).parameters;
    expect(parameters).toContainEqual({
      name: 'limit',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 50 },
    });
  });
});
