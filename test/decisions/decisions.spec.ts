import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { deciderIn } from './gateway-decision.js';
import { type Differences, differences, rows, worlds } from './table.js';

/** Proves that the gateway decides as LiteLLM's own functions do, except where `docs/differences.md` says otherwise. */

/** Marks a difference that is a fault, not a decision. It needs no row in `docs/differences.md`, and must go. */
const FAULT = 'to be mended: ';

interface Decision {
  readonly world: string;
  readonly id: string;
  readonly model: string;
  readonly litellm: string;
  readonly gateway: string;
}

const decisions: Decision[] = [];
for (const [world, configuration] of Object.entries(worlds)) {
  const decide = deciderIn(configuration);
  for (const row of rows.filter((one) => one.world === world)) {
    for (const [model, litellm] of Object.entries(row.asked))
      decisions.push({ world, id: row.id, model, litellm, gateway: await decide(row, model) });
  }
}

/** The verdict of the gateway that a difference expects, with the reason. */
const expected = new Map(
  Object.entries(differences).flatMap(([reason, byRow]) =>
    Object.entries(byRow).flatMap(([id, models]) =>
      Object.entries(models).map(([model, verdict]) => [`${id} ${model}`, { reason, verdict }] as const),
    ),
  ),
);

if (process.env.DECISIONS === 'write') writeDifferences();

describe('the gateway', () => {
  it.each(Object.keys(worlds))(
    'decides as LiteLLM in the world “%s”, or as a named difference says',
    (name) => {
      const wrong = decisions
        .filter(({ world }) => world === name)
        .map((decision) => ({ ...decision, difference: expected.get(`${decision.id} ${decision.model}`) }))
        .filter(({ gateway, litellm, difference }) => gateway !== (difference?.verdict ?? litellm));
      expect(wrong).toEqual([]);
    },
  );

  it('differs in each difference that is named', () => {
    const litellm = new Map(decisions.map((one) => [`${one.id} ${one.model}`, one.litellm]));
    const obsolete = [...expected].filter(([at, { verdict }]) =>
      [undefined, verdict].includes(litellm.get(at)),
    );
    expect(obsolete).toEqual([]);
  });

  it('differs only for reasons that docs/differences.md has a row for', () => {
    const page = readFileSync('docs/differences.md', 'utf8');
    const titles = new Set([...page.matchAll(/^\| (.+?) +\|/gm)].map(([, title]) => title));
    const reasons = Object.keys(differences).filter((reason) => !reason.startsWith(FAULT));
    expect(reasons.filter((reason) => !titles.has(reason))).toEqual([]);
  });
});

it('the table has thousands of decisions of every kind', () => {
  expect(decisions.length).toBeGreaterThan(4_000);
  const isAllowed = decisions.filter(({ litellm }) => litellm.includes('/'));
  expect(isAllowed.length).toBeGreaterThan(1_000);
  for (const kind of [
    'unknown_model',
    'key_model_access_denied',
    'team_model_access_denied',
    'user_model_access_denied',
  ])
    expect(decisions.filter(({ litellm }) => litellm === kind).length, kind).toBeGreaterThan(100);
});

/**
 * Writes the differences of today, for an engineer who changed what the gateway decides. A difference that is new, or has
 * another verdict than before, gets the reason `?`: the engineer must name it.
 */
function writeDifferences(): void {
  const written: Differences = {};
  for (const { id, model, litellm, gateway } of decisions) {
    if (gateway === litellm) continue;
    const before = expected.get(`${id} ${model}`);
    const reason = before?.verdict === gateway ? before.reason : '?';
    ((written[reason] ??= {})[id] ??= {})[model] = gateway;
  }
  const lines = Object.entries(written).map(([reason, byRow]) => {
    const ids = Object.entries(byRow).map(([id, models]) => `    "${id}": ${JSON.stringify(models)}`);
    return `  ${JSON.stringify(reason)}: {\n${ids.join(',\n')}\n  }`;
  });
  writeFileSync(new URL('differences.json', import.meta.url), `{\n${lines.join(',\n')}\n}\n`);
}
