import { Inject, Injectable } from '@nestjs/common';
import { BoundedMap } from '../cache/bounded-map.js';
import { CLOCK, type Clock } from '../platform/clock.js';

const MAX_FAILURES = 10_000;

interface Failure {
  /** The upstream's status. Without one it is 502 for a failed connection and 504 for a timeout. */
  readonly status: number;
  readonly at: Date;
}

/** Records whether the last call of each deployment failed in this process. */
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

  /** Returns the failure of the last call. Undefined if it succeeded or there was none. */
  failureOf(deploymentId: string): Failure | undefined {
    return this.failures.get(deploymentId);
  }
}
