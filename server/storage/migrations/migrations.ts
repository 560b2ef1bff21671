import { initial } from './001-initial.ts';
import { lifecycle } from './002-lifecycle.ts';
import { devices } from './003-devices.ts';
import { outbox } from './004-outbox.ts';

/** All schema steps, oldest first. A step that was released is never edited. */
export const migrations: readonly string[] = [initial, lifecycle, devices, outbox];
