import { describe, expect, it, vi } from 'vitest';
import {
  allowedHoursProblem,
  compileAllowedHours,
  type Day,
  DAYS,
  hoursWithin,
  isOpen,
  nextOpening,
} from '../allowed-hours.js';
import type { PartyKind } from '../facts.js';
import { aParty, type Case, codesOf, someFacts } from '../fixtures.testing.js';
import { keyIsWithinAllowedHours } from './key-is-within-allowed-hours.js';

type Window = [days: string, from: string, to: string];
const hours = (time_zone: string, ...windows: Window[]) => ({
  time_zone,
  windows: windows.map(([days, from, to]) => ({ days: days.split(' ') as Day[], from, to })),
});
const vienna = (...windows: Window[]) => hours('Europe/Vienna', ...windows);
const WEEK = DAYS.join(' ');
const OFFICE = vienna(['mon tue wed thu fri', '08:00', '18:00']);

/** Monday 30 November 2026, 12:00 in Vienna. */
const NOON = new Date('2026-11-30T11:00:00Z');
const limited = (kind: PartyKind, value: ReturnType<typeof hours>) =>
  aParty({ kind, id: `${kind}-1`, rules: { allowedHours: compileAllowedHours(value) } });

describe('the check', () => {
  it.each<Case>([
    ['no hours are any time', { parties: [aParty()] }, undefined],
    ['within them', { now: NOON, parties: [limited('key', OFFICE)] }, undefined],
    ['before them', { now: new Date('2026-11-30T06:59:59Z'), parties: [limited('key', OFFICE)] }, 'outside_allowed_hours'],
    ['the first minute counts', { now: new Date('2026-11-30T07:00:00Z'), parties: [limited('key', OFFICE)] }, undefined],
    ['the last second counts', { now: new Date('2026-11-30T16:59:59Z'), parties: [limited('key', OFFICE)] }, undefined],
    ['the end does not', { now: new Date('2026-11-30T17:00:00Z'), parties: [limited('key', OFFICE)] }, 'outside_allowed_hours'],
    ['no windows are never', { now: NOON, parties: [limited('key', vienna())] }, 'outside_allowed_hours'],
    ['its team must be open, too', { now: NOON, parties: [limited('key', OFFICE), limited('team', vienna(['tue', '08:00', '18:00']))] }, 'outside_allowed_hours'],
    ['its user must be open, too', { now: NOON, parties: [limited('key', OFFICE), limited('user', vienna(['mon', '13:00', '18:00']))] }, 'outside_allowed_hours'],
    ['all are open', { now: NOON, parties: [limited('key', OFFICE), limited('team', OFFICE), limited('user', OFFICE)] }, undefined],
  ])('%s', (_, facts, code) => {
    expect(codesOf(keyIsWithinAllowedHours, facts)).toEqual(code ? [code] : []);
  }); // prettier-ignore

  it('names the party that is closed and when all are open again', () => {
    const parties = [limited('key', OFFICE), limited('team', vienna(['tue thu', '10:00', '11:00']))];
    const { denials } = keyIsWithinAllowedHours(someFacts({ now: NOON, parties }));
    expect(denials).toMatchObject([
      { scope: { kind: 'team', id: 'team-1' }, resetsAt: new Date('2026-12-01T09:00:00Z') },
    ]);
    expect(denials[0]!.message).toBe(
      'Team=team-1 is outside its allowed_hours. Calls are allowed again at 2026-12-01T09:00:00.000Z.',
    );
    expect(denials[0]).not.toHaveProperty('temporary');
  });

  it('names no opening where there is none', () => {
    const parties = [limited('key', vienna(['mon', '08:00', '09:00'])), limited('user', vienna(['tue', '08:00', '09:00']))];
    const [denial] = keyIsWithinAllowedHours(someFacts({ now: NOON, parties })).denials;
    expect(denial).toMatchObject({ code: 'outside_allowed_hours', scope: { kind: 'key' } });
    expect(denial).not.toHaveProperty('resetsAt');
  }); // prettier-ignore
});

describe('the clocks of a time zone', () => {
  const openAt = (value: ReturnType<typeof hours>, ...instants: string[]) =>
    instants.map((instant) => isOpen(compileAllowedHours(value), new Date(`${instant}Z`)));

  it('a window over midnight belongs to the day it begins on', () => {
    const night = vienna(['fri', '22:00', '06:00']);
    expect(openAt(night, '2026-12-04T20:59', '2026-12-04T21:00', '2026-12-05T04:59', '2026-12-05T05:00')).toEqual([false, true, true, false]);
    expect(openAt(night, '2026-12-04T03:00', '2026-12-05T22:00')).toEqual([false, false]);
  }); // prettier-ignore

  it('goes on from Sunday into Monday', () => {
    const night = vienna(['sun', '22:00', '06:00']);
    expect(openAt(night, '2026-11-29T21:00', '2026-11-30T04:59', '2026-11-30T05:00')).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('in spring a window opens as soon as the clocks show an hour in it', () => {
    // 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
    const early = vienna(['sun', '02:30', '04:00']);
    expect(openAt(early, '2026-03-29T00:59', '2026-03-29T01:00', '2026-03-29T01:59', '2026-03-29T02:00')).toEqual([false, true, true, false]);
    expect(nextOpening([compileAllowedHours(early)], new Date('2026-03-28T12:00:00Z'))).toEqual(new Date('2026-03-29T01:00:00Z'));
  }); // prettier-ignore

  it('in spring a window that the clocks leave out opens a week later', () => {
    const gone = compileAllowedHours(vienna(['sun', '02:15', '02:45']));
    expect(nextOpening([gone], new Date('2026-03-29T00:10:00Z'))).toEqual(new Date('2026-04-05T00:15:00Z'));
  });

  it('in autumn a window in the repeated hour opens twice', () => {
    // 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC.
    const twice = vienna(['sun', '02:15', '02:45']);
    expect(openAt(twice, '2026-10-25T00:14', '2026-10-25T00:15', '2026-10-25T00:45', '2026-10-25T01:15', '2026-10-25T01:45')).toEqual([false, true, false, true, false]);
    expect(nextOpening([compileAllowedHours(twice)], new Date('2026-10-25T00:45:00Z'))).toEqual(new Date('2026-10-25T01:15:00Z'));
  }); // prettier-ignore

  it('a window around the change is an hour shorter in spring and longer in autumn', () => {
    const around = vienna([WEEK, '01:00', '05:00']);
    const openMinutes = (day: string) =>
      Array.from({ length: 1_440 }, (_, minute) => new Date(Date.parse(`${day}T00:00Z`) - 2 * 3_600_000 + minute * 60_000))
        .filter((at) => isOpen(compileAllowedHours(around), at)).length;
    expect(['2026-03-28', '2026-03-29', '2026-10-25'].map(openMinutes)).toEqual([240, 180, 300]);
  }); // prettier-ignore

  it('opens at the same instants that a search minute by minute finds', () => {
    const all = [
      vienna(['mon wed', '23:30', '00:30'], ['sun', '01:50', '02:10']),
      hours('America/New_York', [WEEK, '17:45', '18:20']),
    ].map(compileAllowedHours);
    for (const from of ['2026-03-27T17:03:30Z', '2026-10-23T10:00:00Z', '2026-11-01T04:00:00Z']) {
      let slow = new Date(from);
      while (!all.every((one) => isOpen(one, slow))) slow = new Date(Math.floor(slow.getTime() / 60_000) * 60_000 + 60_000);
      expect(nextOpening(all, new Date(from))).toEqual(slow);
    }
  }); // prettier-ignore
});

describe('the cost of a refusal', () => {
  const striped = (minute: string) =>
    compileAllowedHours(vienna(...Array.from({ length: 8 }, (_, i): Window => [WEEK, `${10 + i}:${minute}0`, `${10 + i}:${minute}5`])));
  const readsOfClocks = (action: () => unknown) => {
    const reads = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts');
    action();
    const { length } = reads.mock.calls;
    reads.mockRestore();
    return length;
  };

  it('is one search a minute, however often a caller comes back', () => {
    const all = ['0', '2', '4'].map(striped);
    const [first, second] = [new Date('2026-11-30T11:07:01Z'), new Date('2026-11-30T11:07:59Z')];
    expect(readsOfClocks(() => nextOpening(all, first))).toBeGreaterThan(100);
    expect(readsOfClocks(() => nextOpening([...all], second))).toBe(0);
    expect(nextOpening(all, second)).toBeUndefined();
  });

  it('a search is not mistaken for one of other hours or of another minute', () => {
    const [one, other] = [striped('0'), striped('2')];
    const now = new Date('2026-11-30T11:06:00Z');
    expect(nextOpening([one, other], now)).toBeUndefined();
    expect(nextOpening([one], now)).toEqual(new Date('2026-11-30T12:00:00Z'));
    expect(nextOpening([one], new Date('2026-11-30T12:06:00Z'))).toEqual(new Date('2026-11-30T13:00:00Z'));
  });

  it('where one is never open, nothing is searched', () => {
    const all = [striped('0'), compileAllowedHours(vienna())];
    expect(readsOfClocks(() => nextOpening(all, NOON))).toBe(0);
  });

  it('a clock is read once a minute', () => {
    const hours = striped('0');
    const [first, second] = [new Date('2026-11-30T11:09:01Z'), new Date('2026-11-30T11:09:59Z')];
    expect(readsOfClocks(() => isOpen(hours, first))).toBe(1);
    expect(readsOfClocks(() => isOpen(hours, second))).toBe(0);
  });
}); // prettier-ignore

describe('what is no allowed_hours', () => {
  const windows = (window: object) => ({ time_zone: 'UTC', windows: [window] });
  const window = { days: ['mon'], from: '08:00', to: '18:00' };
  it.each<[unknown, string | undefined]>([
    [OFFICE, undefined],
    [{ time_zone: 'UTC', windows: [] }, undefined],
    [windows({ ...window, to: '24:00' }), undefined],
    [windows({ ...window, from: '22:00', to: '06:00' }), undefined],
    ['always', 'must be an object'],
    [{ windows: [] }, 'time_zone undefined is no IANA time zone'],
    [{ time_zone: 'Mars/Base', windows: [] }, 'time_zone "Mars/Base" is no'],
    [{ time_zone: '+01:00', windows: [] }, 'time_zone "+01:00" is no'],
    [{ time_zone: 'UTC' }, 'windows must be a list'],
    [{ time_zone: 'UTC', windows: [], zone: 1 }, 'unknown member "zone"'],
    [{ time_zone: 'UTC', windows: Array.from({ length: 9 }, () => window) }, 'windows has more than 8'],
    [windows([]), 'windows[0] must be an object'],
    [windows({ ...window, day: 'mon' }), 'windows[0] has an unknown member "day"'],
    [windows({ ...window, days: [] }), 'windows[0].days must be a list of 1 to 7'],
    [windows({ ...window, days: ['mon', 'funday'] }), 'windows[0].days[1] "funday" is no day'],
    [windows({ ...window, from: '8:00' }), 'windows[0].from "8:00" is no time'],
    [windows({ ...window, from: '24:00' }), 'windows[0].from "24:00" is no time'],
    [windows({ ...window, to: '18:60' }), 'windows[0].to "18:60" is no time'],
    [windows({ ...window, to: '08:00' }), 'windows[0].to is the same as from'],
  ])('%j: %s', (value, problem) => {
    if (problem === undefined) expect(allowedHoursProblem(value)).toBeUndefined();
    else expect(allowedHoursProblem(value)).toContain(problem);
  });
});

describe('hours within hours', () => {
  it.each<[string, ReturnType<typeof hours>, ReturnType<typeof hours>, boolean]>([
    ['the same', OFFICE, OFFICE, true],
    ['fewer', vienna(['fri', '09:00', '10:00']), OFFICE, true],
    ['a minute more', vienna(['fri', '07:59', '10:00']), OFFICE, false],
    ['another day', vienna(['sat', '09:00', '10:00']), OFFICE, false],
    ['across two windows that touch', vienna(['mon', '09:00', '15:00']), vienna(['mon', '08:00', '12:00'], ['mon', '12:00', '18:00']), true],
    ['across a gap', vienna(['mon', '09:00', '15:00']), vienna(['mon', '08:00', '12:00'], ['mon', '13:00', '18:00']), false],
    ['over midnight in two days', vienna(['mon', '23:00', '01:00']), vienna(['mon tue', '00:00', '24:00']), true],
    ['another time zone, although its hours are fewer', hours('Europe/Berlin', ['fri', '09:00', '10:00']), OFFICE, false],
    ['another time zone of one who may always', hours('Asia/Tokyo', ['fri', '09:00', '10:00']), vienna([WEEK, '00:00', '24:00']), true],
    ['never, in any time zone', hours('Asia/Tokyo'), OFFICE, true],
    ['anything of one who may never', OFFICE, vienna(), false],
  ])('%s', (_, asked, limit, isWithin) => {
    expect(hoursWithin(asked, limit)).toBe(isWithin);
  }); // prettier-ignore
});
