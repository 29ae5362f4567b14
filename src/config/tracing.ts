import { isPlainHttpUrl, PLAIN_HTTP_URL } from './address.js';
import type { TracingSettings } from './config.js';
import type { Report, BulkChange } from './section.js';

const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

/** OpenTelemetry's variables as far as the gateway has to know them; its SDK reads the others. */
interface TracingVariables {
  readonly disabled: BulkChange | undefined;
  readonly exporter: BulkChange | undefined;
  readonly endpoint: BulkChange | undefined;
  readonly protocol: BulkChange | undefined;
}

/** Undefined when nobody asks for traces: by an exporter, or by saying where to send them. */
export function readTracing(
  { disabled, exporter, endpoint, protocol }: TracingVariables,
  report: Report,
): TracingSettings | undefined {
  if (disabled?.text.toLowerCase() === 'true' || exporter?.text === 'none') return undefined;
  if (!exporter && !endpoint) return undefined;
  if (exporter && exporter.text !== 'otlp') report.problems.push(`${exporter.at}: must be otlp or none`);
  if (endpoint && !isPlainHttpUrl(endpoint.text)) report.problems.push(`${endpoint.at}: ${PLAIN_HTTP_URL}`);
  if (!protocol) return { protocol: 'http/protobuf' };
  const known = PROTOCOLS.find((name) => name === protocol.text);
  if (!known) report.problems.push(`${protocol.at}: must be one of ${PROTOCOLS.join(', ')}`);
  return { protocol: known ?? 'http/protobuf' };
}
