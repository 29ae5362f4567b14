import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Names at the end of a run every test that passed only at its second try, and why its first try failed. */
export class RetryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const flaky = modules.flatMap(({ children }) =>
      Array.from(children.allTests()).filter((test) => test.diagnostic()?.flaky),
    );
    if (!flaky.length) return;
    const lines = flaky.flatMap((test) => [
      `  ${nameOf(test)}`,
      ...errorsOf(test).map((text) => `    ${text}`),
    ]);
    console.error(['', `Passed only at the second try (${flaky.length}), which is a fault to mend:`, ...lines, ''].join('\n')); // prettier-ignore
  }
}

const nameOf = ({ project, module, fullName }: TestCase) =>
  `[${project.name}] ${module.relativeModuleId} > ${fullName}`;

/** Returns the first line of each error and where it was thrown. */
function errorsOf(test: TestCase): string[] {
  return (test.result().errors ?? []).map(({ message, stacks }) => {
    const at = stacks?.[0] ? ` (line ${stacks[0].line})` : '';
    return `${message.split('\n')[0]!.slice(0, 500)}${at}`;
  });
}
