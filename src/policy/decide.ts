import type { Decision, TraceStep } from './decision.js';
import type { AccessFacts } from './facts.js';
import { policy } from './policy.js';

const rules = policy.map(({ check, enforcer }) => ({ check, name: check.name, enforcer }));

/**
 * Runs every check once. The first denial in policy order counts, except that a permanent denial outranks a temporary
 * one.
 */
export function decide(facts: AccessFacts): Decision {
  return conclude(rules.map(({ check, name, enforcer }) => ({ check: name, enforcer, ...check(facts) })));
}

/** Returns the decision that a trace amounts to: of all checks, of some, or of the one that runs at the hold. */
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
  // The hold decides about temporary denials: it may wait.
  const enforcer = retryable ? 'hold' : answer.step.enforcer;
  return { allowed: false, trace, refusal: { ...denials[answer.index]!, check, enforcer, retryable } };
}
