/** Collects the differences between an imported row and LiteLLM's row. */
export interface ImportWarnings {
  changed(what: string): void;
  /** Counts an amount that was finer than a nano-dollar. */
  rounded(): void;
}
