import { Injectable } from '@nestjs/common';
import type { CallAccess } from '../access/call-access.js';
import { RequestFactsLoader } from '../access/request-facts.loader.js';
import { Catalogue } from '../models/catalogue.service.js';
import { firstRefusing } from '../policy/checks/model-is-allowed.js';
import type { ModelFacts } from '../policy/facts.js';
import { hasBlankEnds } from '../policy/model-list.js';

const ANY_SIZE = {
  size: { inputBytes: 0, hasMedia: false, copies: 1, prompts: 1, generates: true },
};

/** A model that a caller may call, by the name to call it. */
export interface CallableModel {
  readonly name: string;
  readonly facts: ModelFacts;
}

/** Tells which models a caller may call, by the same rule as the guard. */
@Injectable()
export class CallableModels {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly requestFacts: RequestFactsLoader,
  ) {}

  /** Returns all of them. A wildcard stands for the known models that it serves. */
  all(access: CallAccess): CallableModel[] {
    const { names, teamAliases, keyAliases } = access.caller!;
    const catalogue = this.catalogue.current();
    const candidates = new Set([
      ...catalogue.names(names.teamId),
      ...Object.keys(teamAliases),
      ...Object.keys(keyAliases),
      ...catalogue.wildcardNames(),
    ]);
    return [...candidates].flatMap((name) => this.find(name, access) ?? []);
  }

  /** Returns the wildcards that the caller's lists allow as a whole. */
  wildcards({ caller, facts: { parties } }: CallAccess): string[] {
    return this.catalogue
      .current()
      .wildcardGlobs()
      .filter((glob) => !firstRefusing(parties, this.requestFacts.modelFacts(glob, ANY_SIZE, caller!)));
  }

  /** Returns the model of a name; undefined if it is unknown or this caller may not call it. */
  find(name: string, { caller, facts: { parties } }: CallAccess): CallableModel | undefined {
    if (hasBlankEnds(name)) return undefined;
    const facts = this.requestFacts.modelFacts(name, ANY_SIZE, caller!);
    const isUnpriced = facts.price === 'unknown' && parties.some(({ budgets }) => budgets.length > 0);
    return facts.known && !isUnpriced && !firstRefusing(parties, facts) ? { name, facts } : undefined;
  }
}
