/** The person for whom a coding agent works, as Claude Code writes it into `metadata.user_id`. */
export interface AgentIdentity {
  /** The account, or else the device. It stays the same in every session. */
  readonly account?: string;
  readonly session?: string;
}

/** A longer text is no identity. Claude Code's have about 160 characters. */
const MAX_CHARS = 4_096;
const OPENING_BRACE = '{';
/** The form of its versions before 2.1.78: `user_<device>_account_<account>_session_<session>`. */
const JOINED = /^user_([0-9a-f]{16,64})_account_([0-9a-f-]{36})?_session_([0-9a-f-]{36})$/;

/**
 * Reads an identity: JSON or an object with `device_id`, `account_uuid` and `session_id`, or the older joined form. Returns undefined if
 * a text is neither. It is then a plain name.
 */
export function agentIdentity(userId: unknown): AgentIdentity | undefined {
  if (userId !== null && typeof userId === 'object') return identityIn(userId as Record<string, unknown>);
  if (typeof userId !== 'string' || userId.length > MAX_CHARS) return undefined;
  if (!userId.startsWith(OPENING_BRACE)) {
    const joined = userId.startsWith('user_') ? JOINED.exec(userId) : null;
    return joined ? identity(joined[2], joined[1], joined[3]) : undefined;
  }
  try {
    return identityIn(JSON.parse(userId) as Record<string, unknown>);
  } catch {
    return undefined;
  }
}

const identityIn = ({ account_uuid, device_id, session_id }: Readonly<Record<string, unknown>>) =>
  identity(account_uuid, device_id, session_id);

function identity(accountId: unknown, deviceId: unknown, sessionId: unknown): AgentIdentity | undefined {
  const account = text(accountId) ?? text(deviceId);
  const session = text(sessionId);
  return account === undefined && session === undefined
    ? undefined
    : { ...(account !== undefined && { account }), ...(session !== undefined && { session }) };
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
