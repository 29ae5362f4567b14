/** Problems and settings without effect, gathered so that a start reports all of them at once. */
export class Report {
  readonly problems: string[] = [];
  readonly ignored: string[] = [];
  /** Settings that work, with a consequence that the operator must know. */
  readonly warnings: string[] = [];
}

/** A reference to an environment variable that is not set. Only a setting that is read has a problem with it. */
export class UnsetVariable {
  constructor(readonly name: string) {}
}

/** A text and its source: a variable's name, or a path in the file. */
export interface SectionText {
  readonly text: string;
  readonly at: string;
}

/** The longest wait of a timer. Node fires a longer one at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** One mapping of the file, read key by key. Keys that are never read are reported as ignored. */
export class Section {
  private readonly asked = new Set<string>();

  constructor(
    private readonly value: Readonly<Record<string, unknown>>,
    private readonly path: string,
    private readonly report: Report,
  ) {}

  /** Returns the same mapping with another report. */
  reportingTo(report: Report): Section {
    return new Section(this.value, this.path, report);
  }

  /** Returns the mapping at `key`; an empty one if it is absent. */
  section(key: string): Section {
    const value = this.valueAt(key) ?? {};
    if (isMapping(value)) return new Section(value, this.pathOf(key), this.report);
    this.problem(key, 'must be a mapping');
    return new Section({}, this.pathOf(key), this.report);
  }

  /** Returns the mappings of the list at `key`, each with its path. */
  sections(key: string): Section[] {
    return this.entries(key).flatMap((entry, i) => {
      if (entry) return [entry];
      this.report.problems.push(`${this.pathOf(key)}[${i}]: must be a mapping`);
      return [];
    });
  }

  /** Returns the entries of the list at `key`, undefined for one that is no mapping. */
  entries(key: string): (Section | undefined)[] {
    const value = this.valueAt(key) ?? [];
    if (!Array.isArray(value)) return this.wrong(key, 'must be a list') ?? [];
    return value.map((entry: unknown, i) =>
      isMapping(entry) ? new Section(entry, `${this.pathOf(key)}[${i}]`, this.report) : undefined,
    );
  }

  text(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined || value === '') return undefined;
    return typeof value === 'string' ? value : this.wrong(key, 'must be text');
  }

  /** Returns the text at `key` with its path. */
  described(key: string): SectionText | undefined {
    const text = this.text(key);
    return text === undefined ? undefined : { text, at: this.pathOf(key) };
  }

  requiredText(key: string): string {
    return (
      this.text(key) ??
      (this.raw(key) === undefined || this.raw(key) === '' ? this.wrong(key, 'is required') : undefined) ??
      ''
    );
  }

  flag(key: string): boolean | undefined {
    const value = this.raw(key);
    return value === undefined || typeof value === 'boolean'
      ? value
      : this.wrong(key, 'must be true or false');
  }

  /** Reads a finite number, zero or more; also one written as text, as YAML reads `1e-6`. */
  number(key: string): number | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) && number >= 0
      ? number
      : this.wrong(key, 'must be a number, zero or more');
  }

  wholeNumber(key: string, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const number = this.number(key);
    if (number === undefined) return undefined;
    if (!Number.isSafeInteger(number)) return this.wrong(key, 'must be a whole number');
    return number <= most ? number : this.wrong(key, `must be at most ${most}`);
  }

  /** Reads a length of time in `unitMs`, as the whole milliseconds a timer can wait. */
  milliseconds(key: string, unitMs: 1 | 1_000 | 3_600_000): number | undefined {
    const number = this.number(key);
    return number === undefined || number * unitMs <= MAX_TIMER_MS
      ? number && Math.round(number * unitMs)
      : this.wrong(key, `must be at most ${Math.floor(MAX_TIMER_MS / unitMs)}`);
  }

  oneOf<T extends string | number>(key: string, values: readonly T[]): T | undefined {
    const value = this.raw(key);
    return value === undefined || values.includes(value as T)
      ? (value as T | undefined)
      : this.wrong(key, `must be one of ${values.join(', ')}`);
  }

  texts(key: string): string[] | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
      ? value
      : this.wrong(key, 'must be a list of texts');
  }

  textMap(key: string): Record<string, string> | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    return isMapping(value) && Object.values(value).every((entry) => typeof entry === 'string')
      ? (value as Record<string, string>)
      : this.wrong(key, 'must be a mapping of texts');
  }

  /** Returns the value at `key`, of any type. */
  raw(key: string): unknown {
    return this.withoutUnset(this.valueAt(key), this.pathOf(key));
  }

  private valueAt(key: string): unknown {
    this.asked.add(key);
    const value = Object.hasOwn(this.value, key) ? this.value[key] : undefined;
    return value === null ? undefined : value;
  }

  /** Reports references to variables that are not set, at any depth, and returns the value without them. */
  private withoutUnset(value: unknown, path: string): unknown {
    if (value instanceof UnsetVariable) {
      this.report.problems.push(`${path}: the environment variable ${value.name} is not set`);
      return undefined;
    }
    if (!hasUnset(value)) return value;
    if (Array.isArray(value))
      return value.map((entry: unknown, i) => this.withoutUnset(entry, `${path}[${i}]`));
    return Object.fromEntries(
      Object.entries(value as object).map(([key, entry]) => [
        key,
        this.withoutUnset(entry, `${path}.${key}`),
      ]),
    );
  }

  /** Tells whether the value at `key` is a variable that is not set. Does not count as reading it. */
  isUnset(key: string): boolean {
    return Object.hasOwn(this.value, key) && this.value[key] instanceof UnsetVariable;
  }

  keys(): string[] {
    return Object.keys(this.value);
  }

  /** Returns the keys of the mapping at `key`, undefined if there is none. Does not count as reading it. */
  keysAt(key: string): string[] | undefined {
    const value = Object.hasOwn(this.value, key) ? this.value[key] : undefined;
    return isMapping(value) ? Object.keys(value) : undefined;
  }

  problem(key: string, message: string): void {
    this.report.problems.push(`${this.pathOf(key)}: ${message}`);
  }

  /** Reports a problem at another place than this section, such as a variable. */
  reportAt(at: string, message: string): void {
    this.report.problems.push(`${at}: ${message}`);
  }

  /** Reports a consequence of `key`. The start goes on. */
  warn(key: string, message: string): void {
    this.report.warnings.push(`${this.pathOf(key)}: ${message}`);
  }

  /** Reports `key` as without effect. */
  ignore(key: string): void {
    this.asked.add(key);
    this.report.ignored.push(this.pathOf(key));
  }

  /** Reports every key that was not read. */
  ignoreTheRest(): void {
    for (const key of this.keys()) if (!this.asked.has(key)) this.report.ignored.push(this.pathOf(key));
  }

  private wrong(key: string, message: string): undefined {
    this.problem(key, message);
    return undefined;
  }

  private pathOf(key: string): string {
    return this.path ? `${this.path}.${key}` : key;
  }
}

/** Tells whether a value holds a reference to a variable that is not set. */
const hasUnset = (value: unknown): boolean =>
  value instanceof UnsetVariable ||
  (typeof value === 'object' && value !== null && Object.values(value).some(hasUnset));

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof UnsetVariable);
