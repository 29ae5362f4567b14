/** Statuses that a permanent refusal of a budget may have. Clients retry 429, and give up at the others. */
export const BUDGET_EXCEEDED_STATUSES = [429, 400, 402] as const;

export type BudgetExceededStatus = (typeof BUDGET_EXCEEDED_STATUSES)[number];

export const isBudgetExceededStatus = (value: unknown): value is BudgetExceededStatus =>
  BUDGET_EXCEEDED_STATUSES.some((status) => status === value);

/** Statuses by the product that leads a user agent, in lower case. */
export type StatusesByProduct = ReadonlyMap<string, BudgetExceededStatus>;

/**
 * Coding agents that retry 429 without end, or stop without a reason for their user, and that were seen to stop at 400 with the
 * gateway's sentence. An SDK has no place here: programs that use it need 429. Names are those that the agents send as the leading product
 * of `user-agent`; Codex also sends its own as `originator`.
 */
export const AGENTS_THAT_RETRY_429: StatusesByProduct = new Map<string, BudgetExceededStatus>([
  // Codex: its command line, `codex exec`, its terminal interface and its editor extension.
  ['codex_cli_rs', 400],
  ['codex_exec', 400],
  ['codex-tui', 400],
  ['codex_vscode', 400],
  ['opencode', 400],
  ['qwencode', 400],
]);

/** Returns the product that leads a user agent, in lower case: `opencode` of `opencode/1.18 ai-sdk/…`. */
export function leadingProduct(userAgent: string): string {
  const slash = userAgent.indexOf('/');
  return (slash < 0 ? userAgent : userAgent.slice(0, slash)).trim().toLowerCase();
}
