import { indexOfValue, quotedWord } from '../../call-types/json-string-search.js';
import type { Attempt } from '../attempt.js';

/** Providers that send all reasoning text that they bill. Others send none, or a summary. */
const SHOWS_REASONING: ReadonlySet<string> = new Set([
  'cerebras', 'dashscope', 'deepinfra', 'deepseek', 'fireworks_ai', 'groq', 'hosted_vllm', 'lm_studio', 'moonshot',
  'nvidia_nim', 'ollama', 'ollama_chat', 'sambanova', 'together_ai', 'vllm',
]); // prettier-ignore
const REASONING_MEMBERS = ['reasoning_content', 'reasoning'].map(quotedWord);
const QUOTE = 0x22;

/** Tracks whether a streamed response shows its reasoning, which is billed in either case. */
export class HiddenReasoning {
  /** True if the model reasons and the stream showed no reasoning yet. */
  isHidden: boolean;
  private readonly mayBeShown: boolean;

  constructor({ llm, deployment }: Attempt) {
    const isCounted = llm.kind.stream.countsAsItGoes === true;
    this.isHidden = !isCounted && (llm.size.thinks === true || deployment.reasons === true);
    this.mayBeShown = SHOWS_REASONING.has(deployment.provider);
  }

  /** Looks for reasoning text in events, if none was seen yet and the provider sends it. */
  lookFor(events: Buffer): void {
    if (!this.isHidden || !this.mayBeShown) return;
    this.isHidden = !REASONING_MEMBERS.some((member) => hasText(events, member));
  }
}

function hasText(events: Buffer, member: ReturnType<typeof quotedWord>): boolean {
  for (let at = indexOfValue(events, member); at >= 0; at = indexOfValue(events, member, at))
    if (events[at] === QUOTE && events[at + 1] !== QUOTE) return true;
  return false;
}
