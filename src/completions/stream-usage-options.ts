import { Injectable } from '@nestjs/common';
import type { LlmRequest } from '../access/llm-request.js';
import type { Deployment } from '../models/deployment.js';

/** Decides for which streams the gateway asks the upstream to report usage, where the client did not. */
@Injectable()
export class StreamUsageOptions {
  /** Deployments that refused `stream_options`. Each is asked again after the catalogue was rebuilt. */
  private readonly refusedBy = new WeakSet<Deployment>();

  asksForUsage({ kind, stream, includeUsage: wantsUsage }: LlmRequest, deployment: Deployment): boolean {
    return (
      kind.asksForUsage === true &&
      stream &&
      !wantsUsage &&
      deployment.takesStreamOptions &&
      !this.refusedBy.has(deployment)
    );
  }

  recordRefusal(deployment: Deployment): void {
    this.refusedBy.add(deployment);
  }
}
