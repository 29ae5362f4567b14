/**
 * This process has more to do than it can do in time. It is thrown before money moves, mostly before the call is read:
 * 503 with a time to retry.
 */
export class OverloadedError extends Error {}
