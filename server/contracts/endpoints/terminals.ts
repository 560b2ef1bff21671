import { bodyErrors, endpoint } from '../endpoint.ts';
import { SessionParams } from '../queries.ts';
import { ScreenQuery, ScreenView, TerminalInput, TerminalInputView } from '../terminal.ts';

const refused = ['session-not-found', 'not-supported', 'session-busy'] as const;

/** What only terminals have. */
export const terminalEndpoints = {
  input: endpoint({
    method: 'POST',
    path: '/api/sessions/{id}/input',
    summary: 'Type into a terminal, and set its size',
    auth: true,
    params: SessionParams,
    body: TerminalInput,
    responses: { 200: TerminalInputView },
    errors: [...bodyErrors, ...refused, 'idempotency-conflict', 'queue-full', 'disk-full'],
    example: { params: { id: '$SESSION' }, body: { id: '0d5f1c4e-6c1a-4f7c-9f7e-2d7c8a1b9e10', text: 'ls\r' } },
  }),
  screen: endpoint({
    method: 'GET',
    path: '/api/sessions/{id}/screen',
    summary: 'What a terminal shows now, with lines that have scrolled out',
    auth: true,
    params: SessionParams,
    query: ScreenQuery,
    responses: { 200: ScreenView },
    errors: ['validation-failed', ...refused, 'disk-full'],
    example: { params: { id: '$SESSION' }, query: '?lines=200' },
  }),
};
