import type { CallBody } from '../call-types/call-body.js';
import type { Deployment } from '../models/deployment.js';
import type { CallSize } from '../policy/bound.js';
import { translationOf } from './translation.js';

/** Returns the size of a call at a deployment to which it is translated: with what its provider adds. Returns the same size if nothing is added. */
export function translatedSize(
  size: CallSize,
  path: string,
  body: CallBody,
  deployment: Pick<Deployment, 'provider' | 'wire'>,
): CallSize {
  const translation = translationOf(deployment, path);
  if (!translation) return size;
  const { hiddenTokens, surchargeIn } = translation.api;
  const fee = size.fee ?? surchargeIn?.(body);
  const hidden = size.hasTools || (body.value('response_format') ?? null) !== null ? hiddenTokens : 0;
  if (!hidden && fee === size.fee) return size;
  return { ...size, hiddenTokens: (size.hiddenTokens ?? 0) + hidden, ...(fee && { fee }) };
}
