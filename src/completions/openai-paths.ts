import { ApiParam } from '@nestjs/swagger';

/** Returns the paths at which OpenAI's and Azure's clients call a route: with or without a version, and with the model in the path or not. */
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

/** Paths of the list of models. */
export const MODEL_LIST_PATHS = ['v1/models', 'models'];
/** Paths of one model. */
export const MODEL_PATHS = MODEL_LIST_PATHS.map((path) => `${path}/:model`);
/** The same for clients that do not escape a slash in the name. */
export const MODEL_PATHS_WITH_SLASHES = MODEL_LIST_PATHS.map((path) => `${path}/*`);
