/** The steps of a message's way through the server; a test kills the process at each of them. */
export const steps = ['accepted', 'recorded', 'written', 'marked', 'read', 'committed', 'published'] as const;
export type Step = (typeof steps)[number];

/** Told of each step as it is taken. */
export type Probe = (step: Step) => void;

/** The probe of a normal server. */
export const noProbe: Probe = () => undefined;
