import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { CloudSettings } from '../config/cloud-settings.js';
import { aws } from './aws.js';
import type { Cloud } from './cloud.js';
import type { CredentialSource } from './credential-source.js';
import { entra } from './entra.js';
import { google } from './google.js';
import { type Expiring, RenewedValue } from './renewed-value.js';

/** A source with the deployments that use it. */
interface Source extends CredentialSource {
  readonly usedBy: Set<string>;
  stop(): void;
}

/** A deployment uses the same source as all others with the same settings. Libraries of a cloud are loaded with its first source. */
@Injectable()
export class CloudCredentials implements OnApplicationShutdown {
  private readonly logger = new Logger(CloudCredentials.name);
  private readonly sources = new Map<string, Source>();

  /** Returns the source for these settings. A new one begins to fetch its credential at once. */
  sourceFor(settings: CloudSettings, deployment: string): CredentialSource {
    const key = JSON.stringify(settings);
    let source = this.sources.get(key);
    if (!source) {
      source = this.newSource(settings);
      this.sources.set(key, source);
    }
    source.usedBy.add(deployment);
    return source;
  }

  /** Stops every source that none of these deployments uses. */
  retain(used: ReadonlySet<CredentialSource>): void {
    for (const [key, source] of this.sources) {
      if (used.has(source)) continue;
      source.stop();
      this.sources.delete(key);
    }
  }

  onApplicationShutdown(): void {
    this.retain(new Set());
  }

  private newSource(settings: CloudSettings): Source {
    switch (settings.cloud) {
      case 'google':
        return this.sourceAt(google(settings));
      case 'aws':
        return this.sourceAt(aws(settings));
      case 'entra':
        return this.sourceAt(entra(settings));
    }
  }

  private sourceAt<T extends Expiring>({ fetch, secretsOf, headersFor }: Cloud<T>): Source {
    const secrets: Buffer[] = [];
    const usedBy = new Set<string>();
    let lastFailure: string | undefined;
    const value = new RenewedValue(
      fetch,
      (credential) => {
        if (lastFailure !== undefined) this.logger.log(`${namesIn(usedBy)}: the credential is here.`);
        lastFailure = undefined;
        // Calls under way may still carry the last credential.
        secrets.splice(0, Math.max(0, secrets.length - secretsOf(credential).length));
        secrets.push(...secretsOf(credential).map((secret) => Buffer.from(secret)));
      },
      ({ message }) => {
        if (message !== lastFailure)
          this.logger.error(`${namesIn(usedBy)}: no credential, so no call is sent. ${message}`);
        lastFailure = message;
      },
    );
    value.start();
    return {
      secrets,
      usedBy,
      ready: () => value.ready(),
      headersFor: (origin, request) => headersFor(value.current(), origin, request),
      stop: () => value.stop(),
    };
  }
}

const MOST_NAMES = 10;

const namesIn = (names: ReadonlySet<string>): string => {
  const some = [...names].slice(0, MOST_NAMES).join(', ');
  return names.size > MOST_NAMES ? `${some} and ${names.size - MOST_NAMES} more` : some;
};
