import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { currentTracing } from './traced.js';

/** The spans of the last calls are sent before the process ends. */
@Module({})
export class TracingModule implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    // A collector that is not there holds nobody up.
    await currentTracing()
      ?.end()
      .catch(() => undefined);
  }
}
