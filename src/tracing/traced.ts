import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';
import { HttpException } from '@nestjs/common';

/** What makes spans. Its packages are loaded only where somebody wants traces. */
export interface Tracing {
  readonly api: typeof import('@opentelemetry/api');
  readonly tracer: Tracer;
  /** Where a request comes from, by its `traceparent`. */
  parentIn(headers: object): Context;
  /** Sends what is not sent yet. */
  end(): Promise<void>;
}

let tracing: Tracing | undefined;

export const currentTracing = (): Tracing | undefined => tracing;

/** Before the classes with `@Traced()` methods are loaded: a method loaded without it stays as it is written. */
export function traceWith(made: Tracing): void {
  tracing = made;
}

type Method = (this: unknown, ...args: never[]) => unknown;

/** What a span says of a call's arguments and of its result: no key, no id a client chose, nothing of a body. */
interface Says<A extends never[], R> {
  readonly asked?: (...args: A) => Attributes;
  readonly told?: (result: R) => Attributes;
}

/**
 * A span for every call of the method inside a request. Without tracing it does nothing at all, not even when the method
 * is called.
 */
export const Traced =
  <A extends never[], R>(name: string, { asked, told }: Says<A, R> = {}) =>
  (_: object, __: string, descriptor: PropertyDescriptor): void => {
    if (!tracing) return;
    const { api, tracer } = tracing;
    const method = descriptor.value as Method;
    descriptor.value = function (this: unknown, ...args: A): unknown {
      const parent = api.context.active();
      if (!api.trace.getSpan(parent)) return method.apply(this, args);
      const span = tracer.startSpan(name, asked && { attributes: asked(...args) }, parent);
      const end = (result: unknown) => {
        if (told) span.setAttributes(told(result as R));
        span.end();
        return result;
      };
      return api.context.with(api.trace.setSpan(parent, span), () => {
        try {
          const result = method.apply(this, args);
          return result instanceof Promise
            ? result.then(end, (error: unknown) => failed(span, error))
            : end(result);
        } catch (error) {
          return failed(span, error);
        }
      });
    };
  };

/** Callbacks that run in the span they were made in, whoever calls them. */
export function carried<T extends object>(callbacks: T): T {
  if (!tracing) return callbacks;
  const { context } = tracing.api;
  const bound = Object.entries(callbacks).map(([name, callback]) => [
    name,
    context.bind(context.active(), callback),
  ]);
  return Object.fromEntries(bound) as T;
}

/** Messages are not told: they name who called, and upstreams repeat what they were sent. */
function failed(span: Span, error: unknown): never {
  const isOurs = !(error instanceof HttpException) || error.getStatus() >= 500;
  if (isOurs) span.setStatus({ code: tracing!.api.SpanStatusCode.ERROR });
  span.setAttribute('error.type', typeOf(error));
  span.end();
  throw error;
}

function typeOf(error: unknown): string {
  const told = error instanceof HttpException && (error.getResponse() as { type?: unknown }).type;
  return typeof told === 'string' ? told : ((error as object | undefined)?.constructor?.name ?? 'unknown');
}
