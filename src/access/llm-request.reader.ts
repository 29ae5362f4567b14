import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type Config } from '../config/config.js';
import { callTypeOf } from '../call-types/call-types.js';
import { nativeRouteAt, isNativeRoute } from '../call-types/native-routes.js';
import { generateContent } from '../call-types/generate-content.js';
import { matchedPath } from '../http/matched-path.js';
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

  private read(request: FastifyRequest): LlmRequest {
    const { body, params, headers, raw, routeOptions } = request;
    const url = raw.url!;
    const queryAt = url.indexOf('?');
    const pathModel = (params as { model?: string }).model;
    const route = routeOptions.url!;
    if (isNativeRoute(route)) return this.readNative(request, queryAt < 0 ? '' : url.slice(queryAt + 1));
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

  /** Reads the body of a request to a native route. An unknown action is a problem of the request. */
  private readNative(request: FastifyRequest, query: string): LlmRequest {
    const { body, headers } = request;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const native = nativeRouteAt(matchedPath(request));
    const llm = readLlmRequest(bytes, {
      kind: native?.kind ?? generateContent,
      ...(native && { native }),
      ...(native?.model !== undefined && { pathDecides: true, pathModel: native.model }),
      headers,
      query,
      settings: this.settings,
    });
    return native ? llm : { ...llm, problem: NO_ACTION };
  }

  /** Reads a body that an evaluation asks about. */
  readBytes(bytes: Buffer, context: Omit<LlmRequestContext, 'settings'>): LlmRequest {
    return readLlmRequest(bytes, { ...context, settings: this.settings });
  }
}

const NO_ACTION = { message: 'The path names no action of this API that is served here.', param: null };

/** Tells whether the path alone names the model. Azure's clients name the deployment there, and anything in the body. */
export const pathDecides = (route: string) => route.startsWith('/openai/deployments/');
