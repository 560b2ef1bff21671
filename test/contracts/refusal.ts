import { AppError } from '../../server/platform/app-error.ts';

/** The AppError that an action throws; fails the test where it throws none. */
export function refusal(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Names of the fields that a refused value got wrong. */
export function wrongFields(action: () => unknown): string[] {
  return (refusal(action).extras.fields ?? []).map(({ field }) => field);
}
