import { Global, Module } from '@nestjs/common';
import { CLOCK, SteadyClock } from './clock.js';

/** Provides the one clock to every module. */
@Global()
@Module({
  providers: [
    SteadyClock,
    { provide: CLOCK, inject: [SteadyClock], useFactory: ({ now }: SteadyClock) => now },
  ],
  exports: [SteadyClock, CLOCK],
})
export class PlatformModule {}
