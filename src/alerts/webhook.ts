import { Injectable } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { request } from 'undici';
import type { AlertSettings } from '../config/config.js';

const TIMEOUT_MS = 5_000;

/** Posts a JSON text, signed: `x-tollgate-signature: t=<seconds>,v1=<hex hmac-sha256 of "<seconds>.<body>">`. */
@Injectable()
export class Webhook {
  /** What went wrong; undefined when it was taken (2xx). Redirects are not followed. */
  async post({ url, secret }: AlertSettings, body: string, now: Date): Promise<string | undefined> {
    const seconds = Math.floor(now.getTime() / 1_000);
    const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-tollgate-signature': `t=${seconds},v1=${signature}`,
        },
        body,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      await answer.body.dump();
      return answer.statusCode >= 200 && answer.statusCode <= 299 ? undefined : `status ${answer.statusCode}`;
    } catch (error) {
      return (error as Error).message;
    }
  }
}
