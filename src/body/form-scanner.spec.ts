import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editedForm, fieldText, scanForm } from './form-scanner.js';
import { MalformedBodyError } from './json-scanner.js';

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

const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => Buffer.from(value));
const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value));
const parts = fc.uniqueArray(
  fc
    .record({ name: fc.stringMatching(/^[a-z_]{1,8}$/), isFile: fc.boolean(), text, bytes })
    .map(({ name, isFile, ...value }): Part => ({ name, isFile, value: isFile ? value.bytes : value.text })),
  { selector: ({ name }) => name, maxLength: 8 },
);
const isPlain = (sentParts: readonly Part[]) => sentParts.every(({ value }) => !value.includes('--b-1'));

describe('a scanned form', () => {
  it('has the position of every field and every file', () => {
    fc.assert(
      fc.property(parts.filter(isPlain), (sentParts) => {
        const body = form(sentParts);
        const { members, files } = scanForm(body, CONTENT_TYPE);
        const fields = [...members].map(([name, field]) => ({ name, value: fieldText(body, field) }));
        expect(fields).toEqual(sentParts.filter(({ isFile }) => !isFile).map(({ name, value }) => ({ name, value: value.toString() }))); // prettier-ignore
        expect(
          files.map(({ name, valueStart, valueEnd }) => [
            name,
            body.subarray(valueStart, valueEnd).toString('hex'),
          ]),
        ).toEqual(
          sentParts.filter(({ isFile }) => isFile).map(({ name, value }) => [name, value.toString('hex')]),
        );
      }),
    );
  });

  it('is edited in place: fields are changed, removed or added, and all other bytes stay', () => {
    const value = fc.option(fc.stringMatching(/^\w{0,8}$/), { nil: null });
    const edits = fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), value, { maxKeys: 4 });
    fc.assert(
      fc.property(parts.filter(isPlain), edits, fc.boolean(), (sentParts, changes, known) => {
        const first = sentParts.find(({ isFile }) => !isFile);
        const files = new Set(sentParts.filter(({ isFile }) => isFile).map(({ name }) => name));
        const all = new Map(
          Object.entries({ ...changes, ...(known && first && { [first.name]: 'new' }) }).filter(
            ([name]) => !files.has(name),
          ),
        );
        const body = form(sentParts);
        const remaining = sentParts.flatMap((part) => {
          const edit = part.isFile ? undefined : all.get(part.name);
          if (edit === null) return [];
          return [edit === undefined ? part : { ...part, value: Buffer.from(edit) }];
        });
        const added = [...all]
          .filter(([name, edit]) => edit !== null && !sentParts.some((part) => part.name === name))
          .map(([name, edit]): Part => ({ name, value: Buffer.from(edit!), isFile: false }));
        const pieces = editedForm(body, scanForm(body, CONTENT_TYPE), all);
        expect(Buffer.concat(pieces).toString('latin1')).toBe(
          form([...remaining, ...added]).toString('latin1'),
        );
      }),
    );
  });

  it('is refused if it is cut or has further bytes', () => {
    const whole = form([
      { name: 'model', value: Buffer.from('m'), isFile: false },
      { name: 'file', value: Buffer.from([0, 13, 10, 45, 45]), isFile: true },
    ]);
    for (let length = 0; length < whole.length - 2; length++)
      expect(() => scanForm(whole.subarray(0, length), CONTENT_TYPE)).toThrow(MalformedBodyError);
    for (const more of ['x', '\r\n', '--b-1\r\n'])
      expect(() => scanForm(Buffer.concat([whole, Buffer.from(more)]), CONTENT_TYPE)).toThrow(
        MalformedBodyError,
      );
  });

  const field = (headers: string, value = 'm', boundary = 'b-1') =>
    `--${boundary}\r\n${headers}\r\n\r\n${value}\r\n--${boundary}--\r\n`;
  const model = 'Content-Disposition: form-data; name="model"';
  const twice = (first: string, second: string) => field(first).replace('--b-1--\r\n', field(second));
  it.each<[string, string | Buffer, string?]>([
    ['something before the first part', `x\r\n${field(model)}`],
    ['something behind a boundary', field(model).replace('--b-1\r\n', '--b-1 x\r\n')],
    ['as many other letters for the first boundary', field(model).replace('--b-1', 'xxxxx')],
    ['two letters for the line end behind a boundary', field(model).replace('--b-1\r\n', '--b-1xx')],
    ['two letters for the line end before a boundary', field(model).replace('m\r\n--b-1--', 'mxx--b-1--')],
    ['a boundary with a space', field(model, 'm', 'b 1'), 'multipart/form-data; boundary="b 1"'],
    ['a boundary of 71 letters', field(model, 'm', 'b'.repeat(71)), `multipart/form-data; boundary=${'b'.repeat(71)}`],
    ['no boundary', field(model, 'm', ''), 'multipart/form-data; boundary='],
    ['129 parts', `${Array.from({ length: 129 }, (_, i) => `--b-1\r\n${model.replace('model', `f${i}`)}\r\n\r\nm\r\n`).join('')}--b-1--\r\n`],
    ['headers that do not end', `--b-1\r\n${model}\r\n--b-1--\r\n`],
    ['headers of 20 KB', field(`x-a: ${'x'.repeat(20_000)}\r\n${model}`)],
    ['a part without an end', `--b-1\r\n${model}\r\n\r\nm`],
    ['a boundary where the value should begin', `--b-1\r\n${model}\r\n\r\n--b-1--\r\n`],
    ['a boundary in the middle of a line', field(model).replace('m\r\n--b-1--', 'm--b-1--')],
    ['a boundary in the headers', `--b-1\r\nx-a: --b-1\r\n${model}\r\n\r\nm\r\n--b-1--\r\n`],
    ['a name twice', twice(model, model)],
    ['a name twice, once as a file', twice(`${model}; filename="f"`, model)],
    ['a name twice, both files', twice(`${model}; filename="f"`, `${model}; filename="f"`)],
    ['a header twice', field(`${model}\r\n${model.toLowerCase().replace('model', 'user')}`)],
    ['a header with NUL', field(`x-a: \0\r\n${model}`)],
    ['a header with a bare line end', field(`x-a: b\nx-c: d\r\n${model}`)],
    ['an escaped quote', field('Content-Disposition: form-data; name="mo\\"del"')],
    ['a folded header', field(`${model};\r\n filename="f"`)],
    ['a header without a name', field(`: x\r\n${model}`)],
    ['a transfer encoding', field(`${model}\r\nContent-Transfer-Encoding: base64`, 'bQ==')],
    ['no disposition', field('Content-Type: text/plain')],
    ['another disposition', field('Content-Disposition: attachment; name="model"')],
    ['a name given twice', field(`${model}; name="user"`)],
    ['an empty name', field('Content-Disposition: form-data; name=""')],
    ['a file without a name', field('Content-Disposition: form-data; filename="f"')],
    ['an escaped name', field('Content-Disposition: form-data; name="%6dodel"')],
    ['a backslash in a name', field('Content-Disposition: form-data; name=mo\\del')],
    ['a text of more than a megabyte', field(model, 'x'.repeat(1024 * 1024 + 1))],
    ['a text that is not UTF-8', Buffer.from(field(model, '\xff'), 'latin1')],
  ])('refuses %s', (_, body, contentType = CONTENT_TYPE) => {
    expect(() => scanForm(Buffer.from(body), contentType)).toThrow(MalformedBodyError);
  }); // prettier-ignore

  it('accepts lists, and files by either parameter with a file name', () => {
    const { members, files } = scanForm(
      Buffer.from(
        twice(model.replace('model', 'a[]'), model.replace('model', 'a[]')).replace(
          '--b-1--\r\n',
          field(`${model}; filename*=utf-8''f`),
        ),
      ),
      CONTENT_TYPE,
    );
    expect([[...members.keys()], files.map(({ name }) => name)]).toEqual([['a[]'], ['model']]);
  });
});
