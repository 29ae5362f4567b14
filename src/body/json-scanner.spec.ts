import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  editedObject,
  JsonBoundError,
  MalformedBodyError,
  memberValue,
  scanJsonObject,
  type Watch,
  objectsIn,
} from './json-scanner.js';

const watch: Watch = {
  names: new Set(['api_base', 'image_url']),
  below: new Map([
    ['messages', new Set(['image_url'])],
    ['tools', new Set(['api_base'])],
  ]),
  free: new Set(['parameters']),
};
const scan = (text: string | Buffer) => scanJsonObject(Buffer.from(text), watch);

describe('scanJsonObject', () => {
  it('agrees with JSON.parse on every object', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.integer({ min: 0, max: 3 }),
        (object, indent) => {
          const bytes = Buffer.from(JSON.stringify(object, null, indent));
          const { members } = scan(bytes);
          expect([...members].map(([name, member]) => [name, memberValue(bytes, member)])).toEqual(
            Object.entries(JSON.parse(bytes.toString()) as object),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('finds the end of a long string with any character at any place', () => {
    const special = fc.constantFrom('"', '\\', '\n', '\u001f', ' ', '~', '\u007f', 'é', '€', '💶', '\u0080');
    fc.assert(
      fc.property(fc.nat(200), special, fc.nat(200), fc.nat(7), (before, one, after, unaligned) => {
        const text = `${'x'.repeat(before)}${one}${'y'.repeat(after)}`;
        const json = Buffer.from(`{"a":${JSON.stringify(text)},"b":1}`);
        const bytes = Buffer.concat([Buffer.alloc(unaligned), json]).subarray(unaligned);
        const { members } = scanJsonObject(bytes, watch);
        expect(memberValue(bytes, members.get('a')!)).toBe(text);
        expect([...members.keys()]).toEqual(['a', 'b']);
        const raw = Buffer.from(`{"a":"${text}","b":1}`);
        const isJson = attempt(() => JSON.parse(raw.toString()) as unknown) !== undefined;
        expect(attempt(() => scan(raw)) !== undefined).toBe(isJson);
      }),
      { numRuns: 2_000 },
    );
  });

  it('agrees with JSON.parse on every number', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[-+.eE01259]{1,8}$/), (number) => {
        const text = `{"a":${number}}`;
        expect(attempt(() => scan(text)) !== undefined).toBe(
          attempt(() => JSON.parse(text) as unknown) !== undefined,
        );
      }),
      { numRuns: 3_000 },
    );
  });

  it('accepts no text that JSON.parse refuses', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.nat(),
        fc.constantFrom('', ',', '"', '{', '}', '[', ':', '\\', '0', '-', '\u0001', 'NaN', "'", '/*x*/'),
        (object, position, noise) => {
          const text = JSON.stringify(object);
          const at = position % (text.length + 1);
          const broken = text.slice(0, at) + noise + text.slice(noise ? at : at + 1);
          const parsed = attempt(() => JSON.parse(broken) as unknown);
          const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
          const scanned = attempt(() => scan(broken));
          if (!isObject) expect(scanned).toBeUndefined();
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each<[string, string | null, string]>([
    ['{"model":"a","model":"b"}', 'model', 'a name twice'],
    ['{"model":"a","mod\\u0065l":"b"}', 'model', 'a name twice, once in an escaped spelling'],
    ['[1]', null, 'not an object'],
    ['', null, 'nothing'],
    ['{"a":1}x', null, 'something behind it'],
    ...['01', '-', '1.', '.5', '+1', '1e', '1e+', '1.e1', '0x1', '--1', '1_0'].map(
      (number): [string, null, string] => [`{"a":${number}}`, null, `${number}, a number JSON does not know`],
    ),
    ['{"a":"\n"}', null, 'a raw control character'],
    ['{"a" 1}', null, 'a colon missing'],
    ['{"a":1 "b":2}', null, 'a comma missing'],
    ['{"a":1;"b":2}', null, 'something else for a comma'],
    ['{"a":nulx}', null, 'a word that only begins like one'],
    ['{"a":{"b":1 "c":2}}', null, 'a comma missing inside'],
    ['{"a":[1 2]}', null, 'a comma missing in a list'],
    ['{"a":nul}', null, 'a word JSON does not know'],
    ...['u00g0', 'u00:0', 'u00`0', 'u00@0', 'u000', 'x', 'U0000'].map((escape): [string, null, string] => [
      `{"a":"\\${escape}"}`,
      null,
      `\\${escape}, an escape JSON does not know`,
    ]),
    [`{"a":${'1'.repeat(400)}}`, null, 'a number that parsers read differently'],
    [
      `{"a":[${Array.from({ length: 50_001 }, () => '{"b":1,"c":1}').join()}]}`,
      null,
      'more names than any client needs',
    ],
    [`{"a":[${'[],'.repeat(100_000)}[]]}`, null, 'more lists than any client needs'],
    [`{"a":${'['.repeat(200)}${']'.repeat(200)}}`, null, 'nested deeper than any client needs'],
    [
      `{${Array.from({ length: 1_001 }, (_, i) => `"m${i}":1`).join(',')}}`,
      null,
      'more members than any route takes',
    ],
  ])('refuses %s (%s): %s', (text, param) => {
    const problem = attempt(() => scan(text), true);
    expect(problem).toBeInstanceOf(MalformedBodyError);
    expect((problem as MalformedBodyError).param).toBe(param);
  });

  it('shows only the beginning of a long name', () => {
    const name = 'x'.repeat(1_000_000);
    const { message, param } = attempt(() => scan(`{"${name}":1,"${name}":2}`), true) as MalformedBodyError;
    expect([message.length, param!.length].every((length) => length < 200)).toBe(true);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => scan(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow('UTF-8');
  });

  it.each([
    ['{"metadata":{"api_base":1}}', [{ name: 'api_base', below: 'metadata' }]],
    ['{"metadata":{"api\\u005fbase":"a\\n"}}', [{ name: 'api_base', below: 'metadata', text: 'a\n' }]],
    ['{"metadata":{"messages":{"api_base":1}}}', [{ name: 'api_base', below: 'metadata' }]],
    ['{"messages":[{"image_url":1,"api_base":1}]}', [{ name: 'image_url', below: 'messages' }]],
    [
      '{"tools":[{"function":{"parameters":{"api_base":1}}},{"api_base":1}]}',
      [{ name: 'api_base', below: 'tools' }],
    ],
    ['{"parameters":{"api_base":1}}', [{ name: 'api_base', below: 'parameters' }]],
    ['{"foo":{"parameters":{"api_base":1}}}', [{ name: 'api_base', below: 'foo' }]],
    [`{"metadata":{"api_base":"${'x'.repeat(100)}"}}`, [{ name: 'api_base', below: 'metadata' }]],
    ['{"api_base":1}', []],
  ])('reports the top-level member of a watched name: %s', (text, watched) => {
    const reported = scan(text).watched.map(({ name, below, text: value }) => ({ name, below, text: value }));
    expect(reported).toEqual(watched);
  });

  it('reports the object of a watched name in any case, and the position of its value', () => {
    const text = '{"a":[{"x":{"API_Base" : "b"}}]}';
    const [{ name, objectStart, valueStart, valueEnd } = expect.fail()] = scan(text).watched;
    expect(name).toBe('api_base');
    expect(text.slice(objectStart, objectStart + 4)).toBe('{"AP');
    expect(text.slice(valueStart, valueEnd)).toBe('"b"');
  });

  it('returns the positions of the objects in a list', () => {
    const text = '{"tools": [ {"a":[{}]} ,1,"{}", [{}],{}]}';
    const bytes = Buffer.from(text);
    const { members } = scan(text);
    const objects = objectsIn(bytes, members.get('tools')!);
    expect(objects.map(({ valueStart, valueEnd }) => text.slice(valueStart, valueEnd))).toEqual([
      '{"a":[{}]}',
      '{}',
    ]);
    expect(objectsIn(Buffer.from('{"tools":{}}'), scan('{"tools":{}}').members.get('tools')!)).toEqual([]);
    expect(objectsIn(Buffer.from('{"tools":[]}'), scan('{"tools":[]}').members.get('tools')!)).toEqual([]);
  });
});

describe('editedObject', () => {
  it('equals an edit of the parsed object, and keeps all other bytes', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.jsonValue()),
        fc.dictionary(fc.constantFrom('a', 'b', 'd', 'e'), fc.option(fc.jsonValue())),
        (object, changes) => {
          const bytes = Buffer.from(JSON.stringify(object, null, 1));
          const edits = new Map(
            Object.entries(changes).map(([name, value]) => [
              name,
              value === null ? null : JSON.stringify(value),
            ]),
          );
          const expected = { ...object, ...changes };
          for (const [name, value] of Object.entries(changes)) if (value === null) delete expected[name];
          expect(JSON.parse(editedObject(bytes, scan(bytes), edits).toString())).toEqual(
            JSON.parse(JSON.stringify(expected)),
          );
        },
      ),
    );
  });

  it('keeps odd spellings', () => {
    const bytes = Buffer.from('{ "x": 1.50e2, "model" : "a", "y":"\\u00e9" }');
    expect(editedObject(bytes, scan(bytes), new Map([['model', '"b"']])).toString()).toBe(
      '{"x": 1.50e2,"model" : "b","y":"\\u00e9"}',
    );
  });
});

function attempt(action: () => unknown, wantError = false): unknown {
  try {
    return action();
  } catch (error) {
    return wantError ? error : undefined;
  }
}

describe('bounds of a caller', () => {
  const nothing: Watch = { names: new Set(), below: new Map(), free: new Set() };
  const bounds = { names: 2, entries: 3, values: 6, free: new Set(['free']) };
  const bounded = (text: string) => scanJsonObject(Buffer.from(text), nothing, bounds);

  it.each([
    '{"x":{"a":1,"b":2}}',
    '{"x":[1,2,3]}',
    '{"free":[1,2,3,4,5,6]}',
    '{"a":1,"b":2,"c":3,"d":{"e":[1]}}',
  ])('%s is within them', (text) => {
    expect(() => bounded(text)).not.toThrow();
  });

  it.each([
    ['{"x":{"a":1,"b":2,"c":3}}', 'has an object with more than 2 names'],
    ['{"x":[{"a":{"a":1,"b":2,"c":3}}]}', 'has an object with more than 2 names'],
    ['{"x":[1,2,3,4]}', 'has a list of more than 3 entries'],
    ['{"x":{"free":[1,2,3,4]}}', 'has a list of more than 3 entries'],
    ['{"x":[[1,2],[1,2],[1]]}', 'has more than 6 names and entries'],
  ])('%s exceeds them: it %s', (text, message) => {
    expect(() => bounded(text)).toThrow(new JsonBoundError(message, 'x'));
  });
});
