import { modelEntries } from '../model-entries.js';
import type { Field, FieldEditor } from './field.js';
import { MAX_ENTRIES } from './field-templates.js';
import { limitFields } from './limit-fields.js';

/** The fields of every party beside its limits. */
export const partyFields = ({
  limits: setBy,
  metadata,
}: {
  readonly limits: FieldEditor;
  readonly metadata: FieldEditor;
}) =>
  ({
    ...limitFields(setBy),
    models: {
      type: 'list',
      column: 'models',
      setBy,
      maxEntries: MAX_ENTRIES,
      limits: true,
      passedOn: {
        inherit: (row, maker) => {
          if (!row.models?.length) row.models = modelEntries(maker);
        },
        comparedIn: 'models',
        examples: {
          held: ['m-free'],
          wider: [['m-out'], ['m-free', 'm-out'], ['*'], ['m-*'], ['all-proxy-models']],
          looser: [['all-team-models'], []],
        },
      },
    },
    budget_id: {
      type: 'text',
      column: 'budgetId',
      setBy: 'proxyAdmin',
      names: 'one',
      limits: true,
      passedOn: {
        because: 'the limits of a tier are passed on as the limits of the party that has it',
        tries: ['rich', 'not-there', '', null],
      },
    },
    temp_budget_increase: {
      type: 'usd',
      column: 'extra',
      setBy: 'proxyAdmin',
      inMetadata: 'label',
      limits: true,
      passedOn: { because: 'a temporary increase belongs to one party', tries: [1e6] },
    },
    temp_budget_expiry: {
      type: 'instant',
      column: 'extra',
      setBy: 'proxyAdmin',
      inMetadata: 'label',
      limits: true,
      passedOn: {
        because: 'a temporary increase belongs to one party',
        tries: ['2099-01-01T00:00:00Z'],
      },
    },
    spend: {
      type: 'usd',
      column: null,
      setBy: 'proxyAdmin',
      limits: false,
      passedOn: { because: 'corrects the ledger', tries: [0, -5, 100] },
    },
    metadata: {
      type: 'mapping',
      column: 'metadata',
      setBy: metadata,
      limits: false,
      passedOn: {
        because: 'free content: what LiteLLM keeps inside it is compared as fields of their own',
        tries: [
          { model_rpm_limit: { 'm-free': 9 } },
          { allowed_routes: ['*'] },
          { user_role: 'proxy_admin' },
          { team_member_key_duration: '99d' },
        ],
      },
    },
  }) as const satisfies Record<string, Field>;
