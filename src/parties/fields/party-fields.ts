import type { ApiPropertyOptions } from '@nestjs/swagger';
import {
  type AllowedHours,
  allowedHoursProblem,
  compileAllowedHours,
  type Day,
  DAYS,
  hoursWithin,
  MAX_WINDOWS,
} from '../../policy/allowed-hours.js';
import { enforcedParamsOf } from '../enforced-params-of.js';
import { modelEntries } from '../model-entries.js';
import { tagsOf } from '../tags-of.js';
import type { PassthroughType } from '../passthrough-fields.js';
import { jsonField } from './own-field.js';
import type { Field, FieldEditor, Inherit, NotPassedOn } from './field.js';

/** The most entries of a list or mapping in the body of an admin request, unless a smaller bound is declared. */
export const MAX_ENTRIES = 1_000;
export const MAX_TAGS = 64;
/** Every window adds an account that every call reads. */
export const MAX_BUDGET_WINDOWS = 16;

export const LABEL: NotPassedOn = { because: 'a label: it limits and permits nothing' };
export const NO_EFFECT: NotPassedOn = {
  because: 'stored for clients of LiteLLM: nothing here acts on it',
};
export const PLACE: NotPassedOn = {
  because: 'names the party or its owner: the delegation rules of the resource check whose it is',
};

/** A name that identifies a party or its owner. */
export const name = (column: string | null, setBy: FieldEditor): Field => ({
  type: 'text',
  column,
  setBy,
  names: 'one',
  limits: false,
  passedOn: PLACE,
});

/** A text that only people read. */
export const label = (column: string, setBy: FieldEditor): Field => ({
  type: 'text',
  column,
  setBy,
  limits: false,
  passedOn: LABEL,
});

/** A field of LiteLLM that is stored as sent. `more` overrides what is usual. */
export const storedAsSent = (type: PassthroughType, more: Partial<Field> = {}): Field => ({
  type,
  column: 'extra',
  asSent: true,
  setBy: 'proxyAdmin',
  limits: false,
  passedOn: NO_EFFECT,
  ...more,
});

/** A field that blocks the party. It is not inherited, because a blocked party creates nothing. */
export const blocked = (setBy: FieldEditor): Field => ({
  type: 'flag',
  column: 'blocked',
  setBy,
  limits: true,
  passedOn: {
    because: 'a blocked party makes nothing, and only those above it unblock it',
    tries: [false, true],
  },
});

/** Inherits a column that a new row leaves open. */
export const whenNull =
  (column: string): Inherit =>
  (row, maker) => {
    (row as unknown as Record<string, unknown>)[column] ??= (maker as unknown as Record<string, unknown>)[
      column
    ];
  };

/** Inherits figures per model. The row's own figures win. */
const perModel =
  (field: string): Inherit =>
  (row, { extra }) => {
    if (extra?.[field]) row.extra = { [field]: extra[field], ...row.extra };
  };

const inheritBudget: Inherit = (row, maker) => {
  if (row.maxBudgetNanoUsd !== null) return;
  row.maxBudgetNanoUsd = maker.maxBudgetNanoUsd;
  if (row.budgetDuration !== null) return;
  row.budgetDuration = maker.budgetDuration;
  row.budgetAnchor = maker.budgetAnchor;
  row.budgetSince = maker.budgetSince;
};

/** The fields of every resource with limits: keys, teams, users, organizations, end users, tags, tiers. */
export const limitFields = (setBy: FieldEditor) =>
  ({
    max_budget: {
      type: 'usd',
      column: 'maxBudgetNanoUsd',
      setBy,
      limits: true,
      passedOn: {
        inherit: inheritBudget,
        comparedIn: 'budgets',
        examples: { held: 5, wider: [5.01, 1e6], within: [0, 3] },
      },
    },
    budget_duration: {
      type: 'duration',
      column: 'budgetDuration',
      setBy,
      limits: true,
      passedOn: {
        inherit: { with: 'max_budget' },
        comparedIn: 'budgets',
        examples: { held: '30d', wider: [], looser: ['1d', '29d'], within: ['60d', null] },
      },
    },
    budget_limits: {
      type: 'budgetWindows',
      column: 'budgetLimits',
      setBy,
      maxEntries: MAX_BUDGET_WINDOWS,
      limits: true,
      passedOn: {
        inherit: whenNull('budgetLimits'),
        comparedIn: 'budgets',
        examples: {
          held: [{ budget_duration: '1d', max_budget: 2 }],
          wider: [[{ budget_duration: '1d', max_budget: 2.01 }]],
          looser: [[], [{ budget_duration: '1h', max_budget: 2 }]],
        },
      },
    },
    soft_budget: {
      type: 'usd',
      column: 'softBudgetNanoUsd',
      setBy,
      limits: true,
      passedOn: {
        inherit: whenNull('softBudgetNanoUsd'),
        comparedIn: 'caps',
        examples: { held: 4, wider: [4.01] },
      },
    },
    model_max_budget: {
      type: 'modelBudgets',
      column: 'modelMaxBudget',
      setBy,
      maxEntries: MAX_ENTRIES,
      limits: true,
      passedOn: {
        inherit: whenNull('modelMaxBudget'),
        comparedIn: 'modelBudgets',
        examples: {
          held: { 'm-free': { max_budget: 1 } },
          wider: [{ 'm-free': { max_budget: 1.01 } }],
          looser: [{}, { 'm-out': 1 }],
          within: [{ 'm-free': 1, 'm-out': 1e6 }],
        },
      },
    },
    tpm_limit: {
      type: 'rate',
      column: 'tpmLimit',
      setBy,
      limits: true,
      passedOn: {
        inherit: whenNull('tpmLimit'),
        comparedIn: 'caps',
        examples: { held: 500, wider: [501] },
      },
    },
    rpm_limit: {
      type: 'rate',
      column: 'rpmLimit',
      setBy,
      limits: true,
      passedOn: { inherit: whenNull('rpmLimit'), comparedIn: 'caps', examples: { held: 5, wider: [6] } },
    },
    max_parallel_requests: {
      type: 'rate',
      column: 'maxParallelRequests',
      setBy,
      limits: true,
      passedOn: {
        inherit: whenNull('maxParallelRequests'),
        comparedIn: 'caps',
        examples: { held: 2, wider: [3] },
      },
    },
  }) as const satisfies Record<string, Field>;

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

const EVERY_DAY = DAYS.join(' ');

const vienna = (...windows: (readonly [days: string, from: string, to: string])[]): AllowedHours => ({
  time_zone: 'Europe/Vienna',
  windows: windows.map(([days, from, to]) => ({ days: days.split(' ') as Day[], from, to })),
});

const ALLOWED_HOURS: ApiPropertyOptions = {
  description:
    'Hours in which calls are allowed, by the clocks of a time zone; at most 8 windows. A window that ends before it begins goes on until the next day. `windows: []`: never; null: any time.',
  type: 'object',
  nullable: true,
  properties: {
    time_zone: { type: 'string' },
    windows: {
      type: 'array',
      maxItems: MAX_WINDOWS,
      items: {
        type: 'object',
        required: ['days', 'from', 'to'],
        properties: {
          days: { type: 'array', items: { type: 'string', enum: [...DAYS] } },
          from: { type: 'string' },
          to: { type: 'string' },
        },
      },
    },
  },
  example: { time_zone: 'Europe/Vienna', windows: [{ days: ['mon', 'fri'], from: '08:00', to: '18:00' }] },
};

/** The fields that keys, teams and users have in common beside those of every party. */
export const callerFields = (setBy: FieldEditor) =>
  ({
    allowed_hours: {
      type: 'mapping',
      column: 'allowedHours',
      own: jsonField('allowed_hours', ALLOWED_HOURS, allowedHoursProblem),
      rule: { allowedHours: compileAllowedHours },
      setBy,
      maxEntries: MAX_WINDOWS,
      limits: true,
      passedOn: {
        inherit: whenNull('allowedHours'),
        comparedIn: { isWithin: hoursWithin },
        examples: {
          held: vienna(
            ['mon', '00:00', '24:00'],
            ['tue wed thu fri sat', '00:00', '24:00'],
            ['sun', '00:00', '03:58'],
            ['sun', '03:59', '24:00'],
          ),
          wider: [
            vienna([EVERY_DAY, '00:00', '24:00']),
            { ...vienna(['mon', '08:00', '09:00']), time_zone: 'Europe/London' },
          ],
          within: [vienna([EVERY_DAY, '08:00', '18:00']), { time_zone: 'Asia/Tokyo', windows: [] }],
        },
      },
    },
    model_rpm_limit: storedAsSent('mapping', {
      setBy,
      maxEntries: MAX_ENTRIES,
      inMetadata: 'limit',
      shownInMetadata: true,
      limits: true,
      passedOn: {
        inherit: perModel('model_rpm_limit'),
        comparedIn: 'caps',
        examples: { held: { 'm-free': 3 }, wider: [{ 'm-free': 4 }], looser: [{}, { 'm-out': 1 }] },
      },
    }),
    model_tpm_limit: storedAsSent('mapping', {
      setBy,
      maxEntries: MAX_ENTRIES,
      inMetadata: 'limit',
      shownInMetadata: true,
      limits: true,
      passedOn: {
        inherit: perModel('model_tpm_limit'),
        comparedIn: 'caps',
        examples: { held: { 'm-free': 300 }, wider: [{ 'm-free': 301 }], looser: [{}] },
      },
    }),
    tags: storedAsSent('tags', {
      setBy,
      maxEntries: MAX_TAGS,
      inMetadata: 'label',
      shownInMetadata: true,
      passedOn: {
        inherit: (row, maker) => {
          const inherited = tagsOf(maker);
          if (inherited.length)
            row.extra = { ...row.extra, tags: [...new Set([...tagsOf(row), ...inherited])] };
        },
        comparedIn: 'tags',
        merged: true,
        examples: { held: ['held'], wider: [], looser: [[], ['other']] },
      },
    }),
    enforced_params: storedAsSent('list', {
      maxEntries: MAX_ENTRIES,
      inMetadata: 'limit',
      shownInMetadata: true,
      passedOn: {
        inherit: (row, maker) => {
          const params = [...new Set([...enforcedParamsOf(row), ...enforcedParamsOf(maker)])];
          if (params.length) row.extra = { ...row.extra, enforced_params: params };
        },
        comparedIn: null,
        merged: true,
        examples: { held: ['metadata.project'], wider: [], looser: [[], ['metadata.other']] },
      },
    }),
  }) as const satisfies Record<string, Field>;
