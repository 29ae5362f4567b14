// The coding agents, each with the set-up that docs/coding-agents.md recommends.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const file = (path, content) => {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
};
const status400 = { budget_exceeded_status: 400 };

/** Set-up of each agent: its program, its model, what it needs on its key, a budget that its second call exceeds, and its command. */
export const AGENTS = {
  'Claude Code': {
    program: 'claude',
    oneStepUsd: 0.53,
    model: 'claude-sonnet-4-5',
    command: ({ url, key, model, task }) => ({
      args: ['-p', task, '--allowedTools', 'Bash', 'Write'],
      env: {
        ANTHROPIC_BASE_URL: url,
        ANTHROPIC_AUTH_TOKEN: key,
        ANTHROPIC_MODEL: model,
        ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
        DISABLE_TELEMETRY: '1',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      },
    }),
  },
  Codex: {
    program: 'codex',
    oneStepUsd: 0.45,
    model: 'gpt-5',
    command({ url, key, model, task, home }) {
      file(
        join(home, '.codex/config.toml'),
        `model = "${model}"
model_provider = "tollgate"

[model_providers.tollgate]
name = "Tollgate"
base_url = "${url}/v1"
env_key = "TOLLGATE_KEY"
wire_api = "responses"
`,
      );
      const args = ['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', task];
      return { args, env: { TOLLGATE_KEY: key } };
    },
  },
  OpenCode: {
    program: 'opencode',
    oneStepUsd: 0.11,
    model: 'gpt-5',
    command({ url, key, model, task, home }) {
      file(join(home, '.config/opencode/opencode.json'), {
        small_model: `tollgate/${model}`,
        provider: {
          tollgate: {
            npm: '@ai-sdk/openai-compatible',
            name: 'Tollgate',
            options: { baseURL: `${url}/v1`, apiKey: '{env:TOLLGATE_KEY}' },
            models: {
              [model]: { name: model, tool_call: true, limit: { context: 272000, output: 32000 } },
            },
          },
        },
      });
      return { args: ['run', '-m', `tollgate/${model}`, task], env: { TOLLGATE_KEY: key } };
    },
  },
  'Qwen Code': {
    program: 'qwen',
    oneStepUsd: 0.11,
    model: 'gpt-5',
    command: ({ url, key, model, task }) => ({
      args: ['--auth-type', 'openai', '-m', model, '--yolo', '-p', task],
      env: { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: key },
    }),
  },
  Cline: {
    program: 'cline',
    oneStepUsd: 0.07,
    model: 'gpt-5',
    keyFields: status400,
    command: ({ url, key, model, task }) => ({
      before: ['auth', '-p', 'openai', '-k', key, '-m', model, '-b', `${url}/v1`],
      args: ['-P', 'openai', '-m', model, '-k', key, task],
      env: {},
    }),
  },
  Continue: {
    program: 'cn',
    oneStepUsd: 0.07,
    model: 'gpt-5',
    keyFields: status400,
    command({ url, key, model, task, home }) {
      const config = join(home, 'tollgate.yaml');
      file(
        config,
        `name: Tollgate
version: 0.0.1
schema: v1
models:
  - name: ${model}
    provider: openai
    model: ${model}
    apiBase: ${url}/v1
    apiKey: ${key}
    roles: [chat]
    capabilities: [tool_use]
`,
      );
      const env = { CONTINUE_TELEMETRY_ENABLED: '0' };
      return { args: ['--config', config, '--auto', '-p', task], env };
    },
  },
  aider: {
    program: 'aider',
    model: 'gpt-5',
    keyFields: status400,
    isEditor: true,
    command: ({ url, key, model, task }) => ({
      args: ['--model', `openai/${model}`, '--edit-format', 'whole', '--yes-always', '--no-git', '--no-check-update', '--analytics-disable', '--no-show-model-warnings', '--message', task],
      env: { OPENAI_API_BASE: `${url}/v1`, OPENAI_API_KEY: key },
    }), // prettier-ignore
  },
};
