import { isPlainHttpUrl, PLAIN_HTTP_URL } from './address.js';
import type { TracingSettings } from './config.js';
import type { Report, SectionText } from './section.js';

const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

/** OpenTelemetry's variables that the gateway must know; the SDK reads the others. */
interface TracingVariables {
  readonly disabled: SectionText | undefined;
  readonly exporter: SectionText | undefined;
  readonly endpoint: SectionText | undefined;
  readonly protocol: SectionText | undefined;
}

/** Reads the settings of tracing; undefined if neither an exporter nor an endpoint is set. */
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
