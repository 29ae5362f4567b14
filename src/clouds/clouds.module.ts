import { Module } from '@nestjs/common';
import { CloudCredentials } from './cloud-credentials.js';

/** Credentials of deployments at Google Cloud, AWS and Azure. */
@Module({ providers: [CloudCredentials], exports: [CloudCredentials] })
export class CloudsModule {}
