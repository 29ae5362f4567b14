/** There is more to do than this process can do in time. Told before anything of the call is looked at: 503, and when to try again. */
export class Overloaded extends Error {}
