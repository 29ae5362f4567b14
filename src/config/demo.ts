import type { ModelConfig } from './config.js';

/** Models that are served if nothing is configured. They respond without a provider. */
export const demoModels: readonly ModelConfig[] = [
  {
    modelName: 'tollgate-demo',
    litellmParams: {
      model: 'openai/tollgate-demo',
      mock_response:
        'Hello from Tollgate! This answer came from no provider, but its cost was held, settled and written down.',
    },
    modelInfo: {
      id: 'tollgate-demo',
      max_input_tokens: 8_192,
      max_output_tokens: 1_024,
      input_cost_per_token: 0.000001,
      output_cost_per_token: 0.000002,
    },
  },
  {
    modelName: 'tollgate-demo-free',
    litellmParams: { model: 'openai/tollgate-demo-free', mock_response: 'This model costs nothing.' },
    modelInfo: {
      id: 'tollgate-demo-free',
      max_input_tokens: 8_192,
      max_output_tokens: 1_024,
      input_cost_per_token: 0,
      output_cost_per_token: 0,
    },
  },
];
