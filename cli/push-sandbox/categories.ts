/** The actions that a companion app would register for the categories of Holdfast's pushes. */
export const companionCategories: Readonly<Record<string, readonly string[]>> = {
  HOLDFAST_ANSWER: ['Reply'],
  HOLDFAST_RETRY: ['Try again'],
  HOLDFAST_APPROVAL: ['Allow', 'Deny'],
  HOLDFAST_APPROVAL_DESTRUCTIVE: ['Unlock to allow', 'Deny'],
  HOLDFAST_QUESTION: ['Answer'],
  HOLDFAST_EXPIRING: ['Keep alive'],
};
