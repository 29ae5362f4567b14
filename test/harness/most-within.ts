/** When a call was sent, and when its answer was there: it was admitted between the two. */
export interface Exchange {
  readonly sentAt: number;
  readonly answeredAt: number;
}

/** Returns how many calls were certainly admitted within one span, however slow the machine was. */
export const mostWithin = (spanMs: number, exchanges: readonly Exchange[]): number =>
  Math.max(
    ...exchanges.map(
      ({ sentAt: from }) =>
        exchanges.filter(({ sentAt, answeredAt }) => sentAt >= from && answeredAt < from + spanMs).length,
    ),
  );
