import { initial } from './001-initial.ts';

/** All schema steps, oldest first. A step that was released is never edited. */
export const migrations: readonly string[] = [initial];
