/** There is more to do than this process can do in time. Told before money moves, as a rule before anything of the call is read: 503, and when to try again. */
export class OverloadedError extends Error {}
