import { request } from 'undici';
import type { Config } from '../config/config.js';
import { usdPerMillion } from './usd-per-million.js';

/** The question: may this key call this model? */
interface Question {
  readonly key: string;
  readonly model: string;
  readonly route: string;
  /** JSON text of the request body. */
  readonly body?: string;
  readonly url?: string;
  /** The `user-agent` of the client. */
  readonly userAgent?: string;
}

interface Figures {
  readonly scope: { readonly kind: string; readonly id: string };
  readonly limit: number;
  readonly spent?: number;
  readonly held?: number;
  readonly needed?: number;
  readonly used?: number;
  readonly unit?: string;
  readonly model?: string;
  readonly resets_at?: string;
}

interface Step {
  readonly check: string;
  readonly passed: boolean;
  readonly objections?: readonly { readonly message: string }[];
  readonly budgets?: readonly Figures[];
  readonly rates?: readonly Figures[];
}

interface Explained {
  readonly decision: boolean;
  readonly context: {
    readonly reason?: string;
    /** Status that the caller would get. */
    readonly status?: number;
    readonly details?: { readonly retryable: boolean };
    readonly clamped?: { readonly asked: number; readonly sent: number };
    readonly trace: readonly Step[];
  };
}

/**
 * Runs `tollgate explain`: asks a running gateway as an admin and prints what every check says. Returns true if the call
 * would pass.
 */
export async function explain(
  { masterKey, host, port }: Config,
  { key, model, route, body, userAgent, url = `http://${host}:${port}` }: Question,
  say: (line: string) => void,
): Promise<boolean> {
  const { statusCode, body: answer } = await request(new URL('/access/v1/evaluation', url), {
    method: 'POST',
    headers: { authorization: `Bearer ${masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      subject: { type: 'key', id: key },
      action: { name: 'call' },
      resource: { type: 'model', id: model },
      context: {
        route,
        ...(body !== undefined && { body: bodyOf(body) }),
        ...(userAgent !== undefined && { user_agent: userAgent }),
      },
    }),
  }).catch((error: Error) => {
    throw new Error(`No gateway answers at ${url}: ${error.message}`);
  });
  const explained = (await answer.json()) as Explained & { readonly error?: { readonly message: string } };
  if (statusCode !== 200) throw new Error(`The gateway answered ${statusCode}: ${explained.error?.message}`);
  for (const line of table(explained.context.trace.flatMap(rowsOf))) say(line);
  say('');
  const price = await priceLine(model, masterKey, url);
  if (price !== undefined) say(price);
  say(verdict(explained));
  return explained.decision;
}

interface GroupInfo {
  readonly input_cost_per_token: number | null;
  readonly output_cost_per_token: number | null;
  readonly price_sources?: Readonly<Record<string, { readonly source: string }>>;
}

/** Returns what the model costs, and the sources of the price. Undefined if no price is known, or the name is only a team's. */
async function priceLine(model: string, masterKey: string, url: string): Promise<string | undefined> {
  const { statusCode, body } = await request(
    new URL(`/model_group/info?model_group=${encodeURIComponent(model)}`, url),
    { headers: { authorization: `Bearer ${masterKey}` } },
  );
  const { data: [group] = [] } = (await body.json()) as { readonly data?: readonly GroupInfo[] };
  if (statusCode !== 200 || !group || group.input_cost_per_token === null) return undefined;
  const amount = (usd: number | null) => usdPerMillion(usd ?? 0);
  const sources = Object.values(group.price_sources ?? {}).map(({ source }) => source);
  const from = sources.length ? `, from ${[...new Set(sources)].join(', ')}` : '';
  return `Price: ${amount(group.input_cost_per_token)} in, ${amount(group.output_cost_per_token)} out USD a million tokens${from}.`;
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`--body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

const verdict = ({ decision, context: { reason, status, details, clamped } }: Explained) =>
  decision
    ? `The call would pass${clamped ? `, with an output limit of ${clamped.sent} instead of ${clamped.asked} tokens` : ''}.`
    : `The call would be refused with ${status}${details?.retryable ? ' for now: trying again may help' : ''}. ${reason}`;

type Row = readonly [check: string, says: string, about: string];

/** Returns one row for a check, and one for every budget and rate limit it read. */
function rowsOf({ check, passed, objections = [], budgets = [], rates = [] }: Step): Row[] {
  return [
    [check, passed ? 'ok' : 'NO', objections[0]?.message ?? ''],
    ...[...budgets, ...rates].map((figures): Row => ['', '', figuresOf(figures)]),
  ];
}

function figuresOf({ scope, limit, spent, held, needed, used, unit, model, resets_at }: Figures): string {
  const about = `${scope.kind} ${scope.id}${model === undefined ? '' : ` for ${model}`}`;
  const amounts = unit
    ? `${used} of ${limit} ${unit}${needed === undefined ? '' : `; needs ${needed}`}`
    : `$${spent} spent and $${held} held of $${limit}; needs $${needed}`;
  return `${about}: ${amounts}${resets_at === undefined ? '' : `; resets ${resets_at}`}`;
}

function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([check]) => check.length));
  return rows.map(([check, says, about]) => `${check.padEnd(width)}  ${says.padEnd(2)}  ${about}`.trimEnd());
}
