import type { EndpointSpec } from '../../server/contracts/endpoint.ts';

/** A call of an endpoint to paste into a shell; ids and the token come from its variables. */
export function curlOf(spec: EndpointSpec): string {
  const { params = {}, query = '', body } = spec.example ?? {};
  const path = spec.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? `$${name.toUpperCase()}`);
  return [
    'curl -s',
    ...(spec.method === 'GET' ? [] : [`-X ${spec.method}`]),
    ...(spec.auth ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    `"$HOLDFAST${path}${query}"`,
    ...(body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(body)}'`]),
  ].join(' ');
}
