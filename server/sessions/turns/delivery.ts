import type { ChatAccepted } from '../../contracts/views.ts';

/** Whether an owner's device gets told by a push. Fulfilled by whoever sends pushes. */
export interface Pushes {
  /** True when what this session says is pushed to this device of this owner; `deviceToken` is what a request said, if anything. */
  canPush(owner: string, deviceToken: string | undefined, sessionId: string): boolean;
}

/** How the answer to a message will reach whoever sent it. */
export function deliveryOf(
  pushes: Pushes,
  owner: string,
  { deviceToken, sessionId }: { deviceToken: string | undefined; sessionId: string },
): ChatAccepted['deliveryMethod'] {
  return pushes.canPush(owner, deviceToken, sessionId) ? 'apns' : 'poll';
}
