interface Place {
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly task: string;
  readonly home: string;
}

export const AGENTS: Record<
  string,
  {
    readonly program: string;
    readonly model: string;
    readonly keyFields?: Readonly<Record<string, unknown>>;
    command(place: Place): { before?: string[]; args: string[]; env: Record<string, string> };
  }
>;
