import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editedForm, fieldText, scanForm } from './form-scanner.js';
import { JsonProblem } from './json-scanner.js';

interface Part {
  readonly name: string;
  readonly value: Buffer;
  readonly isFile: boolean;
}
const CONTENT_TYPE = 'multipart/form-data; boundary=b-1';
const form = (parts: readonly Part[]) =>
  Buffer.concat([
    ...parts.flatMap(({ name, value, isFile }) => [
      Buffer.from(`--b-1\r\nContent-Disposition: form-data; name="${name}"${isFile ? '; filename="f"' : ''}\r\n\r\n`),
      value,
      Buffer.from('\r\n'),
    ]),
    Buffer.from('--b-1--\r\n'),
  ]); // prettier-ignore

const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((said) => Buffer.from(said));
const bytes = fc.uint8Array({ maxLength: 40 }).map((some) => Buffer.from(some));
const parts = fc.uniqueArray(
  fc
    .record({ name: fc.stringMatching(/^[a-z_]{1,8}$/), isFile: fc.boolean(), text, bytes })
    .map(({ name, isFile, ...value }): Part => ({ name, isFile, value: isFile ? value.bytes : value.text })),
  { selector: ({ name }) => name, maxLength: 8 },
);
const isPlain = (some: readonly Part[]) => some.every(({ value }) => !value.includes('--b-1'));

describe('a scanned form', () => {
  it('has every field and every file where it lies', () => {
    fc.assert(
      fc.property(parts.filter(isPlain), (some) => {
        const body = form(some);
        const { members, files } = scanForm(body, CONTENT_TYPE);
        const fields = [...members].map(([name, field]) => ({ name, said: fieldText(body, field) }));
        expect(fields).toEqual(some.filter(({ isFile }) => !isFile).map(({ name, value }) => ({ name, said: value.toString() }))); // prettier-ignore
        expect(
          files.map(({ name, valueStart, valueEnd }) => [
            name,
            body.subarray(valueStart, valueEnd).toString('hex'),
          ]),
        ).toEqual(
          some.filter(({ isFile }) => isFile).map(({ name, value }) => [name, value.toString('hex')]),
        );
      }),
    );
  });

  it('is edited in place: what is changed, left out or new, and no other byte', () => {
    const said = fc.option(fc.stringMatching(/^\w{0,8}$/), { nil: null });
    const edits = fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), said, { maxKeys: 4 });
    fc.assert(
      fc.property(parts.filter(isPlain), edits, fc.boolean(), (some, changes, known) => {
        const first = some.find(({ isFile }) => !isFile);
        const files = new Set(some.filter(({ isFile }) => isFile).map(({ name }) => name));
        const all = new Map(
          Object.entries({ ...changes, ...(known && first && { [first.name]: 'new' }) }).filter(
            ([name]) => !files.has(name),
          ),
        );
        const body = form(some);
        const kept = some.flatMap((part) => {
          const edit = part.isFile ? undefined : all.get(part.name);
          if (edit === null) return [];
          return [edit === undefined ? part : { ...part, value: Buffer.from(edit) }];
        });
        const added = [...all]
          .filter(([name, edit]) => edit !== null && !some.some((part) => part.name === name))
          .map(([name, edit]): Part => ({ name, value: Buffer.from(edit!), isFile: false }));
        const pieces = editedForm(body, scanForm(body, CONTENT_TYPE), all);
        expect(Buffer.concat(pieces).toString('latin1')).toBe(form([...kept, ...added]).toString('latin1'));
      }),
    );
  });

  it('is nothing else: cut or with a byte more, it is refused', () => {
    const whole = form([
      { name: 'model', value: Buffer.from('m'), isFile: false },
      { name: 'file', value: Buffer.from([0, 13, 10, 45, 45]), isFile: true },
    ]);
    for (let length = 0; length < whole.length - 2; length++)
      expect(() => scanForm(whole.subarray(0, length), CONTENT_TYPE)).toThrow(JsonProblem);
    for (const more of ['x', '\r\n', '--b-1\r\n'])
      expect(() => scanForm(Buffer.concat([whole, Buffer.from(more)]), CONTENT_TYPE)).toThrow(JsonProblem);
  });
});
