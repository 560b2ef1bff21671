import { initial } from './001-initial.ts';
import { lifecycle } from './002-lifecycle.ts';
import { autoResponse } from './003-auto-response.ts';
import { approvals } from './004-approvals.ts';
import { devices } from './005-devices.ts';
import { outbox } from './006-outbox.ts';
import { activities } from './007-activities.ts';
import { terminals } from './008-terminals.ts';
import { effort } from './009-effort.ts';

/** All schema steps, oldest first. A step that was released is never edited. */
export const migrations: readonly string[] = [
  ...[initial, lifecycle, autoResponse, approvals, devices, outbox, activities],
  ...[terminals, effort],
];
