import { initial } from './001-initial.ts';
import { lifecycle } from './002-lifecycle.ts';
import { approvals } from './003-approvals.ts';

/** All schema steps, oldest first. A step that was released is never edited. */
export const migrations: readonly string[] = [initial, lifecycle, approvals];
