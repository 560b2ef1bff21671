import type { z } from 'zod';
import type { ErrorCode } from '../platform/error-codes.ts';

/** One endpoint: what it takes, what it answers, and how it says no. */
export interface EndpointSpec {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** OpenAPI style: parameters in braces. */
  path: string;
  summary: string;
  /** Whether a bearer token is needed. */
  auth: boolean;
  params?: z.ZodObject;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: z.ZodType;
  /** JSON answers by status. */
  responses: Record<number, z.ZodType>;
  /** The answer 200 is a text of this type instead of JSON. */
  text?: string;
  /** With `Accept: text/event-stream` the answer is a stream of events instead. */
  stream?: true;
  /** Errors of its own; those that every endpoint can give are in `commonErrors`. */
  errors: readonly ErrorCode[];
  /** For the documentation: values for the path's parameters, the query (with its ?) and the body. */
  example?: { params?: Record<string, string>; query?: string; body?: unknown };
}

/** Errors that any endpoint behind the doors can give. */
export const commonErrors = [
  'unauthorized',
  'origin-not-allowed',
  'host-not-allowed',
  'method-not-allowed',
  'rate-limited',
  'internal',
] as const satisfies ErrorCode[];
/** Errors of every endpoint that takes a body. */
export const bodyErrors = ['bad-json', 'payload-too-large', 'unsupported-media-type', 'validation-failed'] as const satisfies ErrorCode[];

/** Keeps the exact types of a row, so that its handler gets them. */
export function endpoint<const E extends EndpointSpec>(spec: E): E {
  return spec;
}

type PartOf<E, K extends string> = E extends Record<K, infer S extends z.ZodType> ? z.output<S> : undefined;

/** A request in parts. Named by its parts and not by its endpoint, so that two endpoints of one shape can share a handler. */
export interface Parts<Params, Query, Headers, Body> {
  params: Params;
  query: Query;
  headers: Headers;
  body: Body;
}
/** What a handler gets: each part parsed, undefined where the endpoint has none. */
export type Input<E extends EndpointSpec> = Parts<PartOf<E, 'params'>, PartOf<E, 'query'>, PartOf<E, 'headers'>, PartOf<E, 'body'>>;

/** What a handler gives back: one of the endpoint's answers with its status. */
export type Answer<E extends EndpointSpec> = {
  [S in keyof E['responses'] & number]: { status: S; body: z.output<E['responses'][S] & z.ZodType>; headers?: Record<string, string> };
}[keyof E['responses'] & number];

/** A function by its input and outcome; an interface for the same reason as `Parts`. */
interface Run<In, Out, Context> {
  (input: In, context: Context): Promise<Out>;
}
/** A handler of one endpoint. Where the endpoint can stream, `streamed` says that the answer went out already. */
export type Handler<E extends EndpointSpec, Context> = Run<
  Input<E>,
  E extends { stream: true } ? Answer<E> | 'streamed' : Answer<E>,
  Context
>;

/** A handler for each endpoint of a table. */
export type Handlers<Table extends Record<string, EndpointSpec>, Context> = { [K in keyof Table]: Handler<Table[K], Context> };

/** The path as express wants it: `/api/sessions/:id`. */
export function routePath(spec: EndpointSpec): string {
  return spec.path.replaceAll(/\{(\w+)\}/g, ':$1');
}
