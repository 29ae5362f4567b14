/** Times of a call: when it was sent, and when its response arrived. It was admitted between the two. */
export interface Exchange {
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** Returns how many calls were certainly admitted within one span, even on a slow machine. */
export const mostWithin = (spanMs: number, exchanges: readonly Exchange[]): number =>
  Math.max(
    ...exchanges.map(
      ({ sentAt: from }) =>
        exchanges.filter(({ sentAt, answeredAt }) => sentAt >= from && answeredAt < from + spanMs).length,
    ),
  );
