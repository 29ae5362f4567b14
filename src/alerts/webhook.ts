import { Injectable } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { request } from 'undici';
import type { AlertSettings } from '../config/config.js';

const TIMEOUT_MS = 5_000;

/** Posts a JSON text, signed: `x-tollgate-signature: t=<seconds>,v1=<hex hmac-sha256 of "<seconds>.<body>">`. */
@Injectable()
export class Webhook {
  /** Posts the body. Returns the problem, or undefined if the response was 2xx. Redirects are not followed. */
  async post({ url, secret }: AlertSettings, body: string, now: Date): Promise<string | undefined> {
    const seconds = Math.floor(now.getTime() / 1_000);
    const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    try {
      const response = await request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-tollgate-signature': `t=${seconds},v1=${signature}`,
        },
        body,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      await response.body.dump();
      return response.statusCode >= 200 && response.statusCode <= 299
        ? undefined
        : `status ${response.statusCode}`;
    } catch (error) {
      return (error as Error).message;
    }
  }
}
