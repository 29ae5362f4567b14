/** Collects how a row that is imported differs from the row it was. */
export interface ImportWarnings {
  changed(what: string): void;
  /** Counts an amount that was finer than a nano-dollar. */
  rounded(): void;
}
