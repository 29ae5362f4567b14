import { describe, expect, it } from 'vitest';
import { reasonsWithoutPlace, writesDifferences, writeTable } from './differences.js';
import { deciderIn } from './gateway-decision.js';
import { type ModelDifferences, modelDifferences, rows, worlds } from './table.js';

/** Proves that the gateway decides as LiteLLM's own functions do, except where `docs/differences.md` says otherwise. */

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
  Object.entries(modelDifferences).flatMap(([reason, byRow]) =>
    Object.entries(byRow).flatMap(([id, models]) =>
      Object.entries(models).map(([model, verdict]) => [`${id} ${model}`, { reason, verdict }] as const),
    ),
  ),
);

if (writesDifferences) writeDifferences();

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

  it('differs only for reasons that docs/differences.md states', () => {
    expect(reasonsWithoutPlace(modelDifferences)).toEqual([]);
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
  const written: ModelDifferences = {};
  for (const { id, model, litellm, gateway } of decisions) {
    if (gateway === litellm) continue;
    const before = expected.get(`${id} ${model}`);
    const reason = before?.verdict === gateway ? before.reason : '?';
    const ofRow = ((written[reason] ??= {})[id] ??= Object.create(null) as Record<string, string>);
    ofRow[model] = gateway; // A model may be called `__proto__`.
  }
  writeTable('model-differences.json', written);
}
