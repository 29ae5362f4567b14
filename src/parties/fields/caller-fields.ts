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
import {
  BUDGET_EXCEEDED_STATUSES,
  type BudgetExceededStatus,
  isBudgetExceededStatus,
} from '../../policy/budget-exceeded-status.js';
import { enforcedParamsOf } from '../enforced-params-of.js';
import { tagsOf } from '../tags-of.js';
import { integerField, jsonField } from './own-field.js';
import type { Field, FieldEditor } from './field.js';
import { MAX_ENTRIES, MAX_TAGS, storedAsSent } from './field-templates.js';
import { perModel, whenNull } from './inheritance.js';

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

/** The status of a budget's permanent refusal, which keys and teams have. */
export const budgetExceededStatusField = (setBy: FieldEditor): Field => ({
  type: 'number',
  column: 'budgetExceededStatus',
  own: integerField(
    'budget_exceeded_status',
    {
      description:
        'Status of a refusal by a used up budget: 429, 400 or 402. A key’s counts before its team’s; null: as configured.',
      type: 'number',
      nullable: true,
      example: 400,
    },
    (value) =>
      isBudgetExceededStatus(value) ? undefined : `must be one of ${BUDGET_EXCEEDED_STATUSES.join(', ')}`,
  ),
  rule: { budgetExceededStatus: (status: BudgetExceededStatus) => status },
  setBy,
  limits: false,
  passedOn: { because: 'chooses how a refusal is sent: it limits and permits nothing', tries: [400, 402] },
});

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
          // Every hour but one minute on Sunday: the tests call with this key at any time.
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
