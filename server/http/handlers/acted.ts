import type { ActedView } from '../../contracts/views.ts';
import type { Api } from '../context.ts';

/** What is answered when something was done to a session: what is so now. */
export function acted({ commands, queries }: Pick<Api, 'commands' | 'queries'>, owner: string, id: string): ActedView {
  return { ...queries.status(commands.find(owner, id)), success: true };
}
