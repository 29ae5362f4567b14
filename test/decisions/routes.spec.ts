import { describe, expect, it } from 'vitest';
import { ADMIN_RULES } from '../../src/policy/admin-rules.js';
import { decide } from '../../src/policy/decide.js';
import { aKey, someFacts } from '../../src/policy/fixtures.testing.js';
import { compileKeyRoutes } from '../../src/policy/routes.js';
import { reasonsWithoutPlace, writesDifferences, writeTable } from './differences.js';
import { doors, routeDifferences, type RouteRow, routeRows } from './table.js';

/** Proves that roles and `allowed_routes` open the routes that LiteLLM opens, except where `docs/differences.md` says otherwise. */

function allows({ role, allowed_routes }: RouteRow, door: string): boolean {
  const [method, template] = door.split(' ') as [string, string];
  const roles = ADMIN_RULES[door] ?? 'any';
  const path = template.replaceAll(/:(\w+)/g, (_, name) => (name === 'model' ? 'gpt-4o' : 'abc'));
  const callsModel = roles === 'any' && method === 'POST';
  return decide(
    someFacts({
      credential: aKey({ role, allowedRoutes: compileKeyRoutes(allowed_routes) }),
      route: { path, method, roles, callsModel },
      parties: [],
      request: undefined,
    }),
  ).allowed;
}

const nameOf = ({ role, allowed_routes }: RouteRow) => [role, ...allowed_routes].join(' ');

/** The reason of each difference, by caller and route. */
const reasons = new Map(
  Object.entries(routeDifferences).flatMap(([reason, byCaller]) =>
    Object.entries(byCaller).flatMap(([caller, several]) =>
      several.map((door) => [`${caller}: ${door}`, reason] as const),
    ),
  ),
);

const found = routeRows.flatMap((row) =>
  doors
    .filter((door) => allows(row, door) !== row.allows.includes(door))
    .map((door) => ({ caller: nameOf(row), door, allowedHere: !row.allows.includes(door) })),
);

if (writesDifferences) {
  const written: Record<string, Record<string, string[]>> = {};
  for (const { caller, door } of found)
    ((written[reasons.get(`${caller}: ${door}`) ?? '?'] ??= {})[caller] ??= []).push(door);
  writeTable('route-differences.json', written);
}

describe('a role with allowed_routes', () => {
  it('opens the routes that LiteLLM opens, or a difference names its reason', () => {
    expect(found.filter(({ caller, door }) => !reasons.has(`${caller}: ${door}`))).toEqual([]);
  });

  it('differs in each difference that is named', () => {
    const differing = new Set(found.map(({ caller, door }) => `${caller}: ${door}`));
    expect([...reasons.keys()].filter((at) => !differing.has(at))).toEqual([]);
  });

  it('differs only for reasons that docs/differences.md states', () => {
    expect(reasonsWithoutPlace(routeDifferences)).toEqual([]);
  });

  it('opens no route that writes for those who only read', () => {
    const readers = ['proxy_admin_viewer', 'internal_user_viewer', 'team', 'customer'];
    const opened = found
      .filter(({ allowedHere, caller }) => allowedHere && readers.includes(caller))
      .map(({ door }) => door);
    expect(opened.length).toBeGreaterThan(10);
    expect(opened.filter((door) => door in ADMIN_RULES && !/^GET|\/info$/.test(door))).toEqual([]);
  });
});

it('the table has thousands of decisions', () => {
  expect(routeRows.length * doors.length).toBeGreaterThan(10_000);
  expect(routeRows.filter(({ allows: some }) => some.length).length).toBeGreaterThan(70);
});
