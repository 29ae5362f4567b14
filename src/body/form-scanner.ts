import { isUtf8 } from 'node:buffer';
import { type JsonMember, MalformedBodyError, type ScannedObject } from './json-scanner.js';

/** A part that was sent as a file. It is never a text field, whatever its name. */
export interface FormFile extends JsonMember {
  readonly name: string;
  /** The file name. Empty if it has a spelling that parsers read differently. */
  readonly fileName: string;
  /** Content type of the part, in lower case and without parameters. */
  readonly contentType?: string;
}

/**
 * Positions of the parts of a `multipart/form-data` body (`keyStart`: the first header). Text fields are members, files are
 * not.
 */
export interface ScannedForm extends ScannedObject {
  readonly delimiter: Buffer;
  readonly files: readonly FormFile[];
}

const MAX_PARTS = 128;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_TEXT_BYTES = 1024 * 1024;
const MULTIPART = /^multipart\/form-data *; *boundary=(?:"([^"]+)"|([^\s;"]+)) *$/i;
/** Boundaries by RFC 2046 §5.1.1, without characters that no client uses. */
const BOUNDARY = /^[\w'()+,./:=?-]{1,70}$/;
const DISPOSITION = /^form-data((?:; *(?:name|filename|filename\*)=(?:"[^"]*"|[^\s;"]+))+) *$/i;
const PARAMETER = /; *(name|filename|filename\*)=(?:"([^"]*)"|([^\s;"]+))/gi;
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): *(.*)$/;

const DASHES = Buffer.from('--');
const LINE_END = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');

/**
 * Scans a form strictly, in one pass and without a copy. Throws `MalformedBodyError` for anything that another parser might
 * read differently: duplicate names (except lists, `name[]`), bytes before the first part or after the last, a boundary
 * inside a part, headers that are folded, escaped or duplicate, and transfer encodings.
 */
export function scanForm(bytes: Buffer, contentType: string): ScannedForm {
  const match = MULTIPART.exec(contentType);
  const boundary = match?.[1] ?? match?.[2] ?? '';
  if (!BOUNDARY.test(boundary))
    throw new MalformedBodyError('The request body must be multipart/form-data, with a plain boundary.');
  const delimiter = Buffer.from(`--${boundary}`);
  const members = new Map<string, JsonMember>();
  const files: FormFile[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let parts = 0; ; parts++) {
    if (!startsWith(bytes, delimiter, at)) throw broken(at);
    at += delimiter.length;
    if (startsWith(bytes, DASHES, at)) break;
    if (!startsWith(bytes, LINE_END, at)) throw broken(at);
    if (parts >= MAX_PARTS) throw new MalformedBodyError(`The form has more than ${MAX_PARTS} parts.`);
    const keyStart = at + LINE_END.length;
    const headerEnd = bytes.subarray(keyStart, keyStart + MAX_HEADER_BYTES).indexOf(BLANK_LINE);
    const next = bytes.indexOf(delimiter, keyStart);
    const valueStart = keyStart + headerEnd + BLANK_LINE.length;
    const valueEnd = next - LINE_END.length;
    if (headerEnd < 0 || next < 0 || valueEnd < valueStart || !startsWith(bytes, LINE_END, valueEnd))
      throw broken(keyStart);
    const { name, file } = headersOf(bytes.toString('utf8', keyStart, keyStart + headerEnd), keyStart);
    if (names.has(name) && !name.endsWith('[]'))
      throw new MalformedBodyError(`The field '${name}' is given twice in the form.`, name);
    names.add(name);
    const part = { keyStart, valueStart, valueEnd };
    if (file) files.push({ name, ...file, ...part });
    else members.set(name, textField(bytes, name, part));
    at = next;
  }
  at += DASHES.length;
  if (startsWith(bytes, LINE_END, at)) at += LINE_END.length;
  if (at !== bytes.length) throw broken(at);
  return { members, watched: [], delimiter, files };
}

/** Returns the text of a field. */
export const fieldText = (bytes: Buffer, { valueStart, valueEnd }: JsonMember): string =>
  bytes.toString('utf8', valueStart, valueEnd);

/**
 * Returns the form with some text fields changed, removed (null) or added. Returns pieces of the original bytes, so that no
 * file is copied.
 */
export function editedForm(
  bytes: Buffer,
  { members, delimiter }: ScannedForm,
  edits: ReadonlyMap<string, string | null>,
): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const [name, { keyStart, valueStart, valueEnd }] of members) {
    const edit = edits.get(name);
    if (edit === undefined) continue;
    if (edit === null) {
      // Removes the part from its delimiter up to the next one.
      pieces.push(bytes.subarray(from, keyStart - LINE_END.length - delimiter.length));
      from = valueEnd + LINE_END.length;
    } else {
      pieces.push(bytes.subarray(from, valueStart), Buffer.from(edit));
      from = valueEnd;
    }
  }
  const last = bytes.lastIndexOf(delimiter);
  pieces.push(bytes.subarray(from, last));
  for (const [name, edit] of edits) {
    if (edit === null || members.has(name)) continue;
    const header = `\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`;
    pieces.push(delimiter, Buffer.from(`${header}${edit}\r\n`));
  }
  pieces.push(bytes.subarray(last));
  return pieces;
}

function headersOf(
  text: string,
  at: number,
): { name: string; file?: Pick<FormFile, 'fileName' | 'contentType'> } {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const [, name, value] = HEADER.exec(line) ?? [];
    if (name === undefined || headers.has(name.toLowerCase()) || /[\0\r\n]|\\"/.test(line)) throw broken(at);
    headers.set(name.toLowerCase(), value!);
  }
  const encoding = headers.get('content-transfer-encoding') ?? 'binary';
  if (!/^(?:binary|7bit|8bit)$/i.test(encoding)) throw broken(at);
  const [, parameters] = DISPOSITION.exec(headers.get('content-disposition') ?? '') ?? [];
  if (parameters === undefined) throw broken(at);
  const values = new Map<string, string>();
  for (const [, parameter, quoted, plain] of parameters.matchAll(PARAMETER)) {
    const key = parameter!.toLowerCase();
    if (values.has(key)) throw broken(at);
    values.set(key, quoted ?? plain!);
  }
  const name = values.get('name');
  // Some parsers decode `%6d`, some remove backslashes.
  if (!name || /[%\\]/.test(name)) throw broken(at);
  if (!values.has('filename') && !values.has('filename*')) return { name };
  const contentType = headers.get('content-type')?.split(';', 1)[0]!.trim().toLowerCase();
  return {
    name,
    file: {
      fileName: values.has('filename*') ? '' : values.get('filename')!,
      ...(contentType !== undefined && { contentType }),
    },
  };
}

function textField(bytes: Buffer, name: string, field: JsonMember): JsonMember {
  const { valueStart, valueEnd } = field;
  if (valueEnd - valueStart > MAX_TEXT_BYTES)
    throw new MalformedBodyError(`The field '${name}' is too long for a text.`, name);
  if (!isUtf8(bytes.subarray(valueStart, valueEnd)))
    throw new MalformedBodyError(`The field '${name}' is not valid UTF-8.`, name);
  return field;
}

const startsWith = (bytes: Buffer, what: Buffer, at: number) =>
  at + what.length <= bytes.length && bytes.compare(what, 0, what.length, at, at + what.length) === 0;

const broken = (at: number) => new MalformedBodyError(`The form is not readable (near byte ${at}).`);
