import { BadRequestException } from '@nestjs/common';
import type { LlmRequest } from '../access/llm-request.js';
import type { Deployment } from '../models/deployment.js';
import { answerTokens, namedLimit, type OutputSettings } from '../policy/bound.js';
import type { NanoUsd } from '../policy/money.js';
import { outputTokensFor, type HoldDemand } from '../policy/hold-demand.js';
import type { OutputTokens } from './call.js';

/** How long the answers of one deployment may be, before anything is held for them. */
export interface OutputPlan {
  /** Each of them. */
  readonly each: number;
  /** What they would be without a budget: limited by the client, or by what the model is documented to write. */
  readonly unlimited: number;
  /** A budget applies, so the provider is told: in `member`, and nowhere else. */
  readonly member?: string;
}

/** Plans how long the answers of this deployment may be. Throws where the model writes less than the client's own thoughts need. */
export function planOutput(
  { kind, size }: LlmRequest,
  deployment: Deployment,
  { tokens }: Pick<HoldDemand, 'tokens'>,
  hasBudgets: boolean,
  settings: OutputSettings,
): OutputPlan {
  const answers = size.copies * size.prompts;
  // What is held is what is sent, also where the catalogue changed since it was asked what to hold.
  const each = Math.min(
    answerTokens(size, deployment, tokens.inputTokens, settings),
    tokens.outputTokens / answers,
  );
  const named = namedLimit(size, deployment);
  const unlimited = named ?? deployment.maxOutputTokens ?? Number.MAX_SAFE_INTEGER;
  if (!hasBudgets || !size.generates || !kind.limitMember) return { each, unlimited };
  const member = kind.limitMember(deployment.limitMember);
  const { leastOutputTokens: least = 0 } = size;
  if (each < least && unlimited >= least)
    throw new BadRequestException({
      message: `The model writes at most ${each} tokens, and this call needs at least ${least}: its thoughts count as answer.`,
      param: member,
    });
  return { each, unlimited, member };
}

/** May the answers cost more than what is held for them? Only where nobody told the provider where to stop. */
export const mayPassBound = ({ each, unlimited, member }: OutputPlan): boolean =>
  member === undefined && unlimited > each;

/** Returns what a hold of this amount pays for. */
export function heldOutput(
  plan: OutputPlan,
  { size }: LlmRequest,
  demand: HoldDemand,
  boundNanoUsd: NanoUsd,
): OutputTokens {
  const answers = size.copies * size.prompts;
  const { each, unlimited, member } = plan;
  const { inputTokens, tokensBesideAnswers: beside = 0 } = demand.tokens;
  if (member === undefined)
    return {
      atMost: mayPassBound(plan) ? Number.MAX_SAFE_INTEGER : each * answers,
      held: { inputTokens, outputTokens: each * answers + beside },
    };
  const tokens =
    boundNanoUsd < demand.wantedNanoUsd ? Math.min(each, outputTokensFor(boundNanoUsd, demand, size)) : each;
  const limit = { member, tokens };
  const held = { inputTokens, outputTokens: tokens * answers + beside };
  return { atMost: tokens * answers, held, limit, ...(tokens < unlimited && { clampedTo: tokens }) };
}
