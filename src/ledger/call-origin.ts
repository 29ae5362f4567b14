/** The origin of a call, as the call itself names it: its program and its session. Labels for reports, never a right. */
export interface CallOrigin {
  readonly sessionId?: string;
  readonly traceId?: string;
  /** The `user-agent` of the client. Its first word is the product with its version. */
  readonly userAgent?: string;
  /** The program that an agent names beside its `user-agent`. */
  readonly originator?: string;
  /** LiteLLM `spend_logs_metadata`: any labels. */
  readonly spendLogsMetadata?: Readonly<Record<string, unknown>>;
}

/** Columns of an entry that say where its call comes from, in the order of `originValues`. */
export const ORIGIN_COLUMNS = [
  'session_id',
  'trace_id',
  'user_agent',
  'originator',
  'spend_logs_metadata',
] as const;

const NOTHING_KNOWN: readonly null[] = ORIGIN_COLUMNS.map(() => null);

/** Returns the values of `ORIGIN_COLUMNS`. */
export const originValues = (origin: CallOrigin | undefined): readonly (string | null)[] =>
  origin
    ? [
        origin.sessionId ?? null,
        origin.traceId ?? null,
        origin.userAgent ?? null,
        origin.originator ?? null,
        origin.spendLogsMetadata ? JSON.stringify(origin.spendLogsMetadata) : null,
      ]
    : NOTHING_KNOWN;
