import { Logger } from '@nestjs/common';
import type { TracingSettings } from '../config/config.js';
import { traceWith } from './traced.js';

const SERVICE_NAME = 'tollgate';

/** Loads OpenTelemetry and starts tracing. Its own environment variables configure target, batching and sampling. */
export async function startTracing({ protocol }: TracingSettings): Promise<void> {
  const [api, { BasicTracerProvider, BatchSpanProcessor }, resources, contexts, core, { OTLPTraceExporter }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
      protocol === 'http/json'
        ? import('@opentelemetry/exporter-trace-otlp-http')
        : import('@opentelemetry/exporter-trace-otlp-proto'),
    ]);
  const logger = new Logger('tracing');
  const warn = (message: string) => logger.warn(message);
  const nothing = () => {};
  api.diag.setLogger(
    { error: warn, warn, info: nothing, debug: nothing, verbose: nothing },
    api.DiagLogLevel.WARN,
  );
  api.context.setGlobalContextManager(new contexts.AsyncLocalStorageContextManager().enable());
  const provider = new BasicTracerProvider({
    resource: resources
      .resourceFromAttributes({ 'service.name': SERVICE_NAME })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const propagator = new core.W3CTraceContextPropagator();
  traceWith({
    api,
    tracer: provider.getTracer(SERVICE_NAME),
    parentIn: (headers) => propagator.extract(api.ROOT_CONTEXT, headers, api.defaultTextMapGetter),
    end: () => provider.shutdown(),
  });
}
