import { indexOfValue, quotedWord } from '../../call-types/json-string-search.js';
import type { Attempt } from '../call.js';

/** Providers that send every thought they bill; others send none, or a summary. */
const SHOWS_THOUGHTS: ReadonlySet<string> = new Set([
  'cerebras', 'dashscope', 'deepinfra', 'deepseek', 'fireworks_ai', 'groq', 'hosted_vllm', 'lm_studio', 'moonshot',
  'nvidia_nim', 'ollama', 'ollama_chat', 'sambanova', 'together_ai', 'vllm',
]); // prettier-ignore
const THOUGHT_MEMBERS = ['reasoning_content', 'reasoning'].map(quotedWord);
const QUOTE = 0x22;

/** The thoughts of one streamed answer: output that is billed, whether or not the stream shows it. */
export class HiddenReasoning {
  /** The model thinks, and nothing of it was seen. */
  areHidden: boolean;
  private readonly mayBeShown: boolean;

  constructor({ call, deployment }: Attempt) {
    this.areHidden = call.llm.size.thinks === true || deployment.reasons === true;
    this.mayBeShown = SHOWS_THOUGHTS.has(deployment.provider);
  }

  /** Looks for thoughts in events, as long as none were seen and some may come. */
  lookFor(events: Buffer): void {
    if (!this.areHidden || !this.mayBeShown) return;
    this.areHidden = !THOUGHT_MEMBERS.some((member) => hasText(events, member));
  }
}

function hasText(events: Buffer, member: ReturnType<typeof quotedWord>): boolean {
  for (let at = indexOfValue(events, member); at >= 0; at = indexOfValue(events, member, at))
    if (events[at] === QUOTE && events[at + 1] !== QUOTE) return true;
  return false;
}
