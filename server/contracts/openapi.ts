import { z } from 'zod';
import type { ErrorCode } from '../platform/error-codes.ts';
import { errorCodes } from '../platform/error-codes.ts';
import * as activities from './activities.ts';
import * as asked from './asked.ts';
import * as commands from './commands.ts';
import type { EndpointSpec } from './endpoint.ts';
import { commonErrors } from './endpoint.ts';
import { Event, ExitReason, Usage } from './events.ts';
import { IncomingFrame } from './frames-in.ts';
import { OutgoingFrame } from './frames-out.ts';
import { eachEndpoint } from './registry.ts';
import * as devices from './devices.ts';
import * as metricsViews from './metrics-views.ts';
import * as recaps from './recap.ts';
import * as serverViews from './server-views.ts';
import * as states from './state.ts';
import { ScreenView, TerminalInput, TerminalInputView } from './terminal.ts';
import * as views from './views.ts';

type Json = Record<string, unknown>;
type Named = Map<z.core.$ZodType, string>;

const reference = (name: string) => `#/components/schemas/${name}`;

function named(modules: Json): Named {
  return new Map(Object.entries(modules).flatMap(([name, value]) => (value instanceof z.ZodType ? [[value, name] as const] : [])));
}
/** Each kind of event under its own name, so that a client's code generator makes a type of it. */
function eventSchemas(): Named {
  const kindOf = (option: z.ZodObject) => (option.shape['kind'] as z.ZodLiteral<string>).value;
  return new Map(Event.options.map((option) => [option, `Event.${kindOf(option)}`]));
}

const { DeviceToken, DevicesQuery, RegisterDevice, RegisterDeviceToken, PatchDevice, Receipts, ...deviceViews } = devices;
const { RegisterActivity, ...activityViews } = activities;
const inputs = named({
  ...commands,
  RegisterActivity,
  RegisterDevice,
  RegisterDeviceToken,
  PatchDevice,
  Receipts,
  TerminalInput,
  IncomingFrame,
});
const outputs: Named = new Map([
  ...named({ ...views, ...asked, ...recaps, ...metricsViews, ...serverViews, ...states, ...deviceViews, ...activityViews }),
  ...named({ OutgoingFrame, Usage, ExitReason, ScreenView, TerminalInputView }),
  ...eventSchemas(),
]);

// A client must live with members that a newer server adds; and a format says it all, its pattern only hides it.
function plain({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
}

function components(schemas: Named, io: 'input' | 'output'): Json {
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of schemas) registry.add(schema, { id });
  const all = z.toJSONSchema(registry, { uri: reference, io, override: plain }).schemas;
  return Object.fromEntries(Object.entries(all).map(([id, { $id: _id, $schema: _schema, ...schema }]) => [id, schema]));
}

/** The name of what the server sends, undefined for what has none. */
export function componentName(schema: z.ZodType): string | undefined {
  return outputs.get(schema);
}

function refTo(schemas: Named, schema: z.ZodType): Json {
  const name = schemas.get(schema);
  if (name === undefined) throw new TypeError('A schema of the registry is not exported from commands, views or server-views.');
  return { $ref: reference(name) };
}

/** Parameters as a client sees them: types of the parsed value, required only what must be sent. */
function parameters(place: 'path' | 'query' | 'header', schema: z.ZodObject | undefined): Json[] {
  if (schema === undefined) return [];
  const { properties = {} } = z.toJSONSchema(schema, { io: 'output', override: plain });
  const { required = [] } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(properties).map(([name, of]) => ({ name, in: place, required: required.includes(name), schema: of }));
}

/** Every error that an endpoint can give, its own and those of the doors. */
function errorsOf(spec: EndpointSpec): ErrorCode[] {
  const common = spec.auth ? commonErrors : commonErrors.filter((code) => code !== 'unauthorized');
  return [...new Set([...spec.errors, ...common])];
}

function responses(spec: EndpointSpec): Json {
  const answers: Record<string, Json> = {};
  for (const [status, schema] of Object.entries(spec.responses)) {
    const stream = spec.stream && status === '200' ? { 'text/event-stream': { schema: { type: 'string' } } } : {};
    const type = status === '200' ? (spec.text ?? 'application/json') : 'application/json';
    answers[status] = { description: spec.summary, content: { [type]: { schema: refTo(outputs, schema) }, ...stream } };
  }
  const byStatus = Map.groupBy(errorsOf(spec), (code) => String(errorCodes[code].status));
  for (const [status, codes] of byStatus) {
    const content = { 'application/problem+json': { schema: { $ref: reference('Problem') } } };
    answers[status] ??= { description: codes.join(', '), content };
  }
  return answers;
}

function operation(id: string, spec: EndpointSpec): Json {
  const body = spec.body && { required: true, content: { 'application/json': { schema: refTo(inputs, spec.body) } } };
  return {
    operationId: id,
    summary: spec.summary,
    ...(spec.auth ? {} : { security: [] }),
    parameters: [...parameters('path', spec.params), ...parameters('query', spec.query), ...parameters('header', spec.headers)],
    ...(body ? { requestBody: body } : {}),
    responses: responses(spec),
  };
}

/** The whole API as an OpenAPI 3.1 document. `version` is the package's. */
export function openApiDocument(version: string) {
  const paths: Record<string, Json> = {};
  for (const { id, spec } of eachEndpoint()) (paths[spec.path] ??= {})[spec.method.toLowerCase()] = operation(id, spec);
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: 'http://127.0.0.1:3001' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { ...components(inputs, 'input'), ...components(outputs, 'output') },
    },
  };
}
