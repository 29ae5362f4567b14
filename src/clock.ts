/** What time it is. Injected, so that a test can say. */
export type Clock = () => Date;

export const CLOCK = Symbol('Clock');
