import type { Decision, TraceStep } from './decision.js';
import type { AccessFacts } from './facts.js';
import { policy } from './policy.js';

const rules = policy.map(({ check, enforcer }) => ({ check, name: check.name, enforcer }));

/**
 * Asks every check once. The first objection in policy order is the answer, except that a permanent one
 * outranks a temporary one.
 */
export function decide(facts: AccessFacts): Decision {
  return conclude(rules.map(({ check, name, enforcer }) => ({ check: name, enforcer, ...check(facts) })));
}

/** The answer a trace amounts to: of all checks, of some, or of the one that speaks at the hold. */
export function conclude(trace: readonly TraceStep[]): Decision {
  let answer: { step: TraceStep; index: number } | undefined;
  let retryable = true;
  for (const step of trace) {
    for (const [index, { temporary = false }] of step.denials.entries()) {
      if (!answer || (retryable && !temporary)) answer = { step, index };
      retryable &&= temporary;
    }
  }
  if (!answer) return { allowed: true, trace };
  const { check, denials } = answer.step;
  // What is only in the way for now is for the hold to say: it may wait.
  const enforcer = retryable ? 'hold' : answer.step.enforcer;
  return { allowed: false, trace, refusal: { ...denials[answer.index]!, check, enforcer, retryable } };
}
