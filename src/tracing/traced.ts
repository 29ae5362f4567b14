import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';
import { HttpException } from '@nestjs/common';

/** The tracing library. Its packages are loaded only if tracing is on. */
export interface Tracing {
  readonly api: typeof import('@opentelemetry/api');
  readonly tracer: Tracer;
  /** Returns the parent context from the `traceparent` header. */
  parentIn(headers: object): Context;
  /** Sends pending spans. */
  end(): Promise<void>;
}

let tracing: Tracing | undefined;

export const currentTracing = (): Tracing | undefined => tracing;

/**
 * Turns tracing on. Call it before classes with `@Traced()` methods are loaded: methods loaded earlier are not
 * traced.
 */
export function traceWith(newTracing: Tracing): void {
  tracing = newTracing;
}

type Method = (this: unknown, ...args: never[]) => unknown;

/**
 * The attributes of a span, from arguments and result. They contain no key, no id chosen by a client and nothing of a
 * body.
 */
interface SpanAttributes<A extends never[], R> {
  readonly argumentAttributes?: (...args: A) => Attributes;
  readonly resultAttributes?: (result: R) => Attributes;
}

/** Traces every call of the method inside a request. If tracing is off, it leaves the method unchanged. */
export const Traced =
  <A extends never[], R>(name: string, { argumentAttributes, resultAttributes }: SpanAttributes<A, R> = {}) =>
  (_: object, __: string, descriptor: PropertyDescriptor): void => {
    if (!tracing) return;
    const { api, tracer } = tracing;
    const method = descriptor.value as Method;
    descriptor.value = function (this: unknown, ...args: A): unknown {
      const parent = api.context.active();
      if (!api.trace.getSpan(parent)) return method.apply(this, args);
      const span = tracer.startSpan(
        name,
        argumentAttributes && { attributes: argumentAttributes(...args) },
        parent,
      );
      const end = (result: unknown) => {
        if (resultAttributes) span.setAttributes(resultAttributes(result as R));
        span.end();
        return result;
      };
      return api.context.with(api.trace.setSpan(parent, span), () => {
        try {
          const result = method.apply(this, args);
          return result instanceof Promise
            ? result.then(end, (error: unknown) => endWithError(span, error))
            : end(result);
        } catch (error) {
          return endWithError(span, error);
        }
      });
    };
  };

/** Binds callbacks to the current span. */
export function bindToSpan<T extends object>(callbacks: T): T {
  if (!tracing) return callbacks;
  const { context } = tracing.api;
  const bound = Object.entries(callbacks).map(([name, callback]) => [
    name,
    context.bind(context.active(), callback),
  ]);
  return Object.fromEntries(bound) as T;
}

/**
 * Ends a span with an error. Error messages are left out: they name callers, and upstreams repeat request content.
 */
function endWithError(span: Span, error: unknown): never {
  const isOurs = !(error instanceof HttpException) || error.getStatus() >= 500;
  if (isOurs) span.setStatus({ code: tracing!.api.SpanStatusCode.ERROR });
  span.setAttribute('error.type', typeOf(error));
  span.end();
  throw error;
}

function typeOf(error: unknown): string {
  const errorType = error instanceof HttpException && (error.getResponse() as { type?: unknown }).type;
  return typeof errorType === 'string'
    ? errorType
    : ((error as object | undefined)?.constructor?.name ?? 'unknown');
}
