import { ApiParam } from '@nestjs/swagger';

/** Where OpenAI's and Azure's clients look for a call: with and without a version, the model in the path or not. */
export const openAiPaths = (call: string) => [
  `v1/${call}`,
  call,
  `engines/:model/${call}`,
  `v1/engines/:model/${call}`,
  `openai/deployments/:model/${call}`,
];

export const MODEL_IN_PATH = ApiParam({
  name: 'model',
  required: false,
  description: 'On `/engines/…` and `/openai/deployments/…`: the model, instead of the body.',
});
