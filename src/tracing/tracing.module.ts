import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { currentTracing } from './traced.js';

/** Sends the last spans before the process ends. */
@Module({})
export class TracingModule implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    // An unreachable collector does not delay the shutdown.
    await currentTracing()
      ?.end()
      .catch(() => undefined);
  }
}
