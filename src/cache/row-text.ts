/** Members for values that JSON lacks: an amount, an instant, and an object that has such a member itself. */
const MARKS = ['$n', '$at', '$of'] as const;

/** Serializes a row with nano-dollars, instants and any JSON of a client. `valueOfRow` reads it. */
export const textOfRow = (value: object): string => JSON.stringify(value, encode);

/** Parses the text of `textOfRow`. */
export const valueOfRow = (text: string): unknown => JSON.parse(text, decode);

function encode(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const raw = this[name];
  if (raw instanceof Date) return { $at: raw.getTime() };
  if (typeof value === 'bigint') return { $n: value.toString() };
  const isMarked =
    typeof value === 'object' && value !== null && MARKS.some((mark) => Object.hasOwn(value, mark));
  return isMarked ? { $of: Object.entries(value) } : value;
}

function decode(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $n: amount, $at: ms, $of: members } = value as { $n?: unknown; $at?: unknown; $of?: unknown };
  if (Array.isArray(members)) return Object.fromEntries(members as [string, unknown][]);
  if (typeof amount === 'string') return BigInt(amount);
  return typeof ms === 'number' ? new Date(ms) : value;
}
