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

/** Reads the body of a request to a model route, with the settings of this gateway. */
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

  /** Returns a function that reads this request on its first call and keeps the result. */
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

  /** Reads a body that an evaluation asks about. */
  readBytes(bytes: Buffer, context: Omit<LlmRequestContext, 'settings'>): LlmRequest {
    return readLlmRequest(bytes, { ...context, settings: this.settings });
  }
}

/** Tells whether the path alone names the model. Azure's clients name the deployment there, and anything in the body. */
export const pathDecides = (route: string) => route.startsWith('/openai/deployments/');
