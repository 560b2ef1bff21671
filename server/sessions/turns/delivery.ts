import type { ChatAccepted } from '../../contracts/views.ts';

/** Whether an owner's device gets told by a push. Fulfilled by whoever sends pushes. */
export interface Pushes {
  /** True when a push is set up and this device is registered for this owner; `deviceToken` is what a request said, if anything. */
  canPush(owner: string, deviceToken: string | undefined): boolean;
}

/** Nobody is reached by a push. */
export const noPushes: Pushes = { canPush: () => false };

/** How the answer to a message will reach whoever sent it. */
export function deliveryOf(pushes: Pushes, owner: string, deviceToken: string | undefined): ChatAccepted['deliveryMethod'] {
  return pushes.canPush(owner, deviceToken) ? 'apns' : 'poll';
}
