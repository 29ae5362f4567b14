import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import { callTypeOf } from '../call-types/call-types.js';
import {
  type LlmRequest,
  type LlmRequestContext,
  readLlmRequest,
  type ReadingSettings,
} from './llm-request.js';

/** Reads the body of a request to a model route, as this gateway is configured. */
@Injectable()
export class LlmRequestReader {
  private readonly settings: ReadingSettings;

  constructor(@Inject(CONFIG) { general }: Config) {
    this.settings = {
      endUserHeaders: general.endUserHeaders,
      refusesTags: general.rejectClientsideTags,
      wantedParams: ['user', ...general.enforcedParams.map((path) => path.split('.')[0]!)],
    };
  }

  /** A reading of this request, done on the first call and kept. */
  of(request: FastifyRequest): () => LlmRequest {
    let read: LlmRequest | undefined;
    return () => (read ??= this.read(request));
  }

  private read({ body, params, headers, raw, routeOptions }: FastifyRequest): LlmRequest {
    const url = raw.url!;
    const queryAt = url.indexOf('?');
    const pathModel = (params as { model?: string }).model;
    const route = routeOptions.url!;
    return readLlmRequest(Buffer.isBuffer(body) ? body : Buffer.alloc(0), {
      kind: callTypeOf(route),
      pathDecides: pathDecides(route),
      headers,
      contentType: headers['content-type'] ?? '',
      query: queryAt < 0 ? '' : url.slice(queryAt + 1),
      settings: this.settings,
      ...(pathModel !== undefined && { pathModel }),
    });
  }

  /** The same reading for a body that is only asked about. */
  readBytes(bytes: Buffer, context: Omit<LlmRequestContext, 'settings'>): LlmRequest {
    return readLlmRequest(bytes, { ...context, settings: this.settings });
  }
}

/** Azure's clients name the deployment in the path, and in the body what they like. */
export const pathDecides = (route: string) => route.startsWith('/openai/deployments/');
