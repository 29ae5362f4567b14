import { Inject, Injectable } from '@nestjs/common';
import { BoundedMap } from '../cache/bounded-map.js';
import { CLOCK, type Clock } from '../platform/clock.js';

const MAX_FAILURES = 10_000;

interface Failure {
  /** The upstream's status, or what stands for none: 502 without a connection, 504 out of time. */
  readonly status: number;
  readonly at: Date;
}

/** How the last call of each deployment ended, as this process saw it. */
@Injectable()
export class DeploymentHealth {
  private readonly failures = new BoundedMap<string, Failure>(MAX_FAILURES);

  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  recordSuccess(deploymentId: string): void {
    this.failures.delete(deploymentId);
  }

  recordFailure(deploymentId: string, status: number): void {
    this.failures.set(deploymentId, { status, at: this.clock() });
  }

  /** Undefined when its last call was answered, or none was made. */
  failureOf(deploymentId: string): Failure | undefined {
    return this.failures.get(deploymentId);
  }
}
