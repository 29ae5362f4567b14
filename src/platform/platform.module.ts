import { Global, Module } from '@nestjs/common';
import { CLOCK, SteadyClock } from './clock.js';

/** Gives every module the one clock. */
@Global()
@Module({
  providers: [
    SteadyClock,
    { provide: CLOCK, inject: [SteadyClock], useFactory: ({ now }: SteadyClock) => now },
  ],
  exports: [SteadyClock, CLOCK],
})
export class PlatformModule {}
