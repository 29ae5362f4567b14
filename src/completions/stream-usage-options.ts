import { Injectable } from '@nestjs/common';
import type { LlmRequest } from '../access/llm-request.js';
import type { Deployment } from '../models/deployment.js';

/** Decides for which streams the gateway asks the upstream to report usage, if the client did not. */
@Injectable()
export class StreamUsageOptions {
  /** Deployments that refused `stream_options`. A rebuilt catalogue has new objects, so each is tried again then. */
  private readonly refusedBy = new WeakSet<Deployment>();

  addsUsageOption({ kind, stream, includeUsage }: LlmRequest, deployment: Deployment): boolean {
    return (
      kind.streamsUsageOnRequest === true &&
      stream &&
      !includeUsage &&
      deployment.acceptsStreamOptions &&
      !this.refusedBy.has(deployment)
    );
  }

  recordRefusal(deployment: Deployment): void {
    this.refusedBy.add(deployment);
  }
}
