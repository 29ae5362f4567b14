import { BadRequestException } from '@nestjs/common';
import type { LlmRequest } from '../access/llm-request.js';
import type { Deployment } from '../models/deployment.js';
import { answerTokens, namedLimit, type OutputSettings } from '../policy/bound.js';
import type { NanoUsd } from '../policy/money.js';
import { type HoldDemand, outputTokensFor, searchesFor } from '../policy/hold-demand.js';
import type { OutputTokens } from './attempt.js';

/** Planned length of the answers of one deployment, before any money is held. */
export interface OutputPlan {
  /** Maximum tokens of each answer. */
  readonly each: number;
  /** Maximum tokens of each answer without a budget: the client's limit, or the documented one of the model. */
  readonly withoutBudget: number;
  /** Member that carries the limit to the provider. Set if a budget applies. */
  readonly member?: string;
}

/** Plans how long the answers of this deployment may be. Throws 400 if the model writes less than the requested reasoning needs. */
export function planOutput(
  { kind, size }: LlmRequest,
  deployment: Deployment,
  { tokens }: Pick<HoldDemand, 'tokens'>,
  hasBudgets: boolean,
  settings: OutputSettings,
): OutputPlan {
  const answers = size.copies * size.prompts;
  // The limit that is sent equals the limit that is held, even if the catalogue changed in between.
  const each = Math.min(
    answerTokens(size, deployment, tokens.inputTokens, settings),
    tokens.outputTokens / answers,
  );
  const withoutBudget = namedLimit(size, deployment) ?? deployment.maxOutputTokens ?? Number.MAX_SAFE_INTEGER;
  if (!hasBudgets || !size.generates || !kind.limitMember) return { each, withoutBudget };
  const member = kind.limitMember(deployment.limitMember);
  const { leastOutputTokens: least = 0 } = size;
  if (each < least && withoutBudget >= least)
    throw new BadRequestException({
      message: `The model writes at most ${each} tokens, and this call needs at least ${least}: its thoughts count as answer.`,
      param: member,
    });
  return { each, withoutBudget, member };
}

/** Returns whether the answers may cost more than their hold. That is possible only if no limit is sent to the provider. */
export const mayPassBound = ({ each, withoutBudget, member }: OutputPlan): boolean =>
  member === undefined && withoutBudget > each;

/** Returns the output that a hold of this amount pays for. */
export function heldOutput(
  plan: OutputPlan,
  { size }: LlmRequest,
  demand: HoldDemand,
  boundNanoUsd: NanoUsd,
): OutputTokens {
  const answers = size.copies * size.prompts;
  const { each, withoutBudget, member } = plan;
  const { inputTokens, tokensBesideAnswers: beside = 0 } = demand.tokens;
  if (member === undefined)
    return {
      atMost: mayPassBound(plan) ? Number.MAX_SAFE_INTEGER : each * answers,
      paidTokens: { inputTokens, outputTokens: each * answers + beside },
    };
  const tokens =
    boundNanoUsd < demand.wantedNanoUsd ? Math.min(each, outputTokensFor(boundNanoUsd, demand)) : each;
  const limit = { member, tokens };
  const searches = searchesFor(boundNanoUsd, demand);
  return {
    atMost: tokens * answers,
    paidTokens: { inputTokens, outputTokens: tokens * answers + beside },
    limit,
    ...(searches !== undefined && { searches }),
    ...(tokens < withoutBudget && { clampedTo: tokens }),
  };
}
