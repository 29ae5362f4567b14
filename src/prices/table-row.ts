/** A model's row in LiteLLM's format: figures, sizes and abilities under LiteLLM's names. */
export type TableRow = Readonly<Record<string, unknown>>;

/** Rows by the names that LiteLLM's users write. Names are compared without letter case. */
export interface TableRows {
  readonly row: (name: string) => TableRow | undefined;
}
